"""What can go wrong with accounts."""

from riverrun.kit.problem import Problem


class EmailTaken(Problem):
    """There is an account with this e-mail address already. Sign in to it, or have its password reset."""

    status = 409
    title = "The address has an account"
