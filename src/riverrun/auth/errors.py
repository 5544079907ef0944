"""What can go wrong at the door."""

from riverrun.kit.problem import Problem


class InvalidApiKey(Problem):
    """No ``X-API-Key``, or one that never was or is revoked. ``/api/v2`` takes keys only, no session and no bearer token."""

    status = 401
    title = "Send an API key"
    challenge = "ApiKey"


class ScopeMissing(Problem):
    """The key is valid, but not good for this: ``scope`` names what it would need. Make another key."""

    status = 403
    title = "The key is not good for this"


class TooManyApiKeys(Problem):
    """A user may have a hundred keys at a time."""

    status = 409
    title = "Too many keys"


class WrongPassword(Problem):
    """Address and password do not belong together. Nobody is told whether there is an account with the address."""

    status = 401
    title = "Address or password is wrong"


class WeakPassword(Problem):
    """The password is too short, too long, the address itself, or one of the commonest. Take a longer one."""

    status = 422
    title = "Choose another password"


class AccountDisabled(Problem):
    """An administrator has closed this account. Nothing of it is deleted; they can open it again."""

    status = 403
    title = "This account is closed"


class AddressNotVerified(Problem):
    """The provider does not vouch for the e-mail address, so it says nothing about who owns it. Verify it there first."""

    status = 403
    title = "The address is not verified"


class SignUpRefused(Problem):
    """This server takes no account for this address: ``RIVERRUN_SIGN_UP`` asks for an invitation, or is closed.

    An invitation opens once, within a week, and for the address that it was sent to.
    """

    status = 403
    title = "You need an invitation"


class ProviderTaken(Problem):
    """This way in belongs to another account, or the account has another of the same kind. Unlink that first."""

    status = 409
    title = "Linked already"


class LastWayIn(Problem):
    """Without it nobody could sign in to the account any more. Link another provider or set a password first."""

    status = 409
    title = "The last way in"


class AlreadyMember(Problem):
    """The account is in the organisation already. Change its role instead."""

    status = 409
    title = "A member already"


class LastOwner(Problem):
    """An organisation always has an owner. Make somebody else one first, or delete it."""

    status = 409
    title = "The only owner"


class NoSuchAccount(Problem):
    """Nobody here has this e-mail address, or has shown that it is theirs, and you may not invite people to this server."""

    status = 409
    title = "Nobody has this address"


class TooManyMembers(Problem):
    """An organisation has at most ten thousand members."""

    status = 409
    title = "Too many members"


class TooManyOrganisations(Problem):
    """A user is in at most a hundred organisations: whoever the answer names has to leave one first."""

    status = 409
    title = "In too many organisations"


class TooManyShares(Problem):
    """A conversation or repository may be shared with 500 people, 50 organisations and 20 links at a time."""

    status = 409
    title = "Shared with too many"


class LinkingNeeded(Problem):
    """The password is right, at a provider that the account with this address does not know yet. Nobody is signed in.

    Sign in to the account in another way (``existing_providers``), and confirm ``linking_token`` within fifteen minutes.
    """

    status = 409
    title = "Sign in another way first"
