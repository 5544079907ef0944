"""What can go wrong with a repository that somebody else hosts."""

from riverrun.kit.problem import Problem


class AddressRefused(Problem):
    """The address names no repository that this server fetches; the detail says what would do."""

    status = 422
    title = "This address cannot be indexed"


class RepositoryFailed(Exception):
    """The repository cannot be had, or not be read; the message is a sentence for a person."""


class RepositoryTooLarge(RepositoryFailed):
    """The clone takes more of the disk than it may."""


class RepositoryStopped(Exception):
    """Fetching was asked to stop and did."""
