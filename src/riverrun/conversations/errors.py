"""What can go wrong with conversations."""

from riverrun.kit.problem import Problem

REPOSITORY_REMOVED = "The repository of this conversation was removed: start a new conversation."


class ProjectNotReady(Problem):
    """The repository has no complete index yet: an answer would silently miss things."""

    status = 409
    title = "The repository is not indexed yet"


class AnswerFailed(Problem):
    """The run of a waited-for answer did not complete; ``run_id`` names it, its partial text is kept."""

    status = 502
    title = "The answer failed"


class NothingToRegenerate(Problem):
    """The conversation has no question yet, so there is nothing to answer again."""

    status = 409
    title = "There is no question yet"


class IdempotencyKeyReused(Problem):
    """The ``Idempotency-Key`` was sent before, with another question or to have one answered again. Nothing is stored.

    Repeat what was sent with it, word for word, or send this with a fresh key.
    """

    status = 422
    title = "The key is that of another request"


class RepositoryNotShared(Problem):
    """The conversation is shared with you, but not a repository that it is about: an answer would read it for you.

    Its owner can share it with you, or with your organisation. Looking needs no such thing; excerpts are hidden.
    """

    status = 403
    title = "The repository is not shared with you"
