"""What blocked the event loop of this process; for administrators, as if it were not there for others."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.infra.loop_report import LoopReport
from riverrun.kit.problem import NotFound


async def get_loop_report(request: Request, principal: CurrentPrincipal) -> LoopReport:
    """The report of this process.

    Raises:
        NotFound: not an administrator.
    """
    if not principal.is_administrator:
        raise NotFound
    report: LoopReport = request.app.state.loop_report
    return report


CurrentLoopReport = Annotated[LoopReport, Depends(get_loop_report, scope="function")]

loop_router = APIRouter(prefix="/-", tags=["operations"])


@loop_router.get("/loop")
async def show_loop(report: CurrentLoopReport) -> dict[str, Any]:
    """The worst stalls since the last reset, with the line that blocked, and the most CPU of one callback."""
    return report.document()


@loop_router.delete("/loop", status_code=204)
async def reset_loop(report: CurrentLoopReport) -> None:
    """Forget what was found so far."""
    report.reset()
