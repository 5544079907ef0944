"""What can be wrong with a repository's address."""

from riverrun.kit.problem import Problem


class AddressRefused(Problem):
    """The address names no repository that this server fetches; the detail says what would do."""

    status = 422
    title = "This address cannot be indexed"
