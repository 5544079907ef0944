"""What can go wrong with projects."""

from riverrun.kit.problem import Problem

STOPPED = "Indexing was stopped. What is done so far is kept; index again to go on."
"""What a project says after a stop, whoever ended the run."""


class SourceRefused(Problem):
    """The path or URL cannot be indexed; the detail says why and what would."""

    status = 422
    title = "This source cannot be indexed"


class IndexingFailed(Exception):
    """Indexing cannot go on; the message is a sentence for a person. What was stored stays and is built upon."""


class IndexingStopped(Exception):
    """Indexing was asked to stop and did; the next run goes on where it was."""
