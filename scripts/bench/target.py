"""What a ``benchmark_*`` script declares."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bench.report import Report
from bench.scenario import Scenario

if TYPE_CHECKING:  # the product itself, which somebody else's server is measured without
    from bench.site import Site


class Target(Protocol):
    """With ``NEEDS_WORKERS = True`` its levels are played beside workers that answer.

    Of one that only measures a server of somebody else (``BASE_URL``), the name and the scenarios are enough.
    """

    NAME: str

    def prepare(self, site: "Site") -> Mapping[str, str]:
        """Make what the scenarios ask for; its names, as the environment would give them for a running server."""
        ...

    def scenarios(self, names: Mapping[str, str], site: "Site | None") -> Sequence[Scenario]:
        """The requests to be measured on every arm; no site where somebody else runs the server."""
        ...

    def experiments(self, site: "Site", report: Report, *, smoke: bool) -> None:
        """The numbered benchmarks, which need more than requests."""
        ...
