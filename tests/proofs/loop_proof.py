"""Nothing blocks the API's event loop: every route of a running API, driven under watch.

``python -m tests.proofs.loop_proof`` (``make proof``). The API of a whole stack runs with a witness in it that knows its
routes and sees each blocking call, beside its own monitor, which sees what is slow. Every route must succeed on real rows and
refuse somebody; calls that block on purpose must be named with their routes; hundreds of open streams must cost no thread.
Beside it the source is audited (``tests/proofs/blocking``).
``--plant "GET /api/v1/account/me"`` lets a real route block for a millisecond: the proof must fail.
Last line: ``proof: blocking_calls=0 routes=N socket_events=M planted_caught=P/P``.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from tests.authz.site import RATES
from tests.proofs.blocking.allowed import ALLOWED
from tests.proofs.blocking.call_audit import audit_riverrun
from tests.proofs.loop import route_tour
from tests.proofs.loop.loop_notes import LoopNotes
from tests.proofs.loop.loop_verdict import Verdict
from tests.proofs.loop.planting import plant_all, plant_into
from tests.proofs.loop.thread_census import count_threads
from tests.support.indexing import copy_of_starlette
from tests.support.oidc_peers import OidcPeer, oidc_peer
from tests.support.sso_visits import callback_path
from tests.support.stacks import open_stack
from tests.support.unsigned_tokens import DEMO_PROJECT

from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine

ROOT = Path(__file__).parents[2]
GUARD = ROOT / "tests" / "support" / "loop_guard"
NOTES_NAME = "notes.jsonl"
STREAMS = 500
BY_A_PROVIDER = frozenset({"GET /api/v1/sso/{provider}/start", "GET /api/v1/sso/{provider}/callback"})
"""Routes that succeed only where there is another provider to go to."""


def prove(folder: Path, source: Path, peer: OidcPeer | None, *, plant: str = "") -> Verdict:
    """Open a watched stack in ``folder``, drive it, and say what was seen; ``source`` is indexed and asked about.

    Without a ``peer`` nobody comes in by a provider. ``plant`` names a route that is made to block before the tour.
    """
    notes_path = folder / NOTES_NAME
    variables = {**_watched_by(notes_path), **_open_to_all(), **_with_provider(peer)}
    with (
        open_stack(folder / "data", **variables) as stack,
        httpx2.Client(
            base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=60
        ) as administrator,
    ):
        if plant:
            plant_into(administrator, plant)
        _tour(stack, source, notes_path, by_a_provider=peer is not None)
        stalls = administrator.get(route_tour.LOOP_REPORT).json()["worst"]
        administrator.delete(route_tour.LOOP_REPORT).raise_for_status()
        # Hundreds of streams that end at once are much work for one turn of the loop, and no blocking call.
        census = asyncio.run(count_threads(stack, STREAMS))
        notes = LoopNotes.read(notes_path)
        planted = plant_all(administrator, notes_path)
    return Verdict(notes, stalls, census, planted, frozenset() if peer else BY_A_PROVIDER)


def _tour(stack: Stack, source: Path, notes_path: Path, *, by_a_provider: bool) -> None:
    engine = open_engine(stack.settings.require_database_url(), pool_size=1)
    try:
        route_tour.succeed(stack, engine, source)
        asyncio.run(route_tour.ask_as_the_matrix_has_it(stack.base_url, engine))
    finally:
        engine.dispose()
    route_tour.open_the_page(stack)
    if by_a_provider:
        asyncio.run(route_tour.come_in_by_a_provider(stack.base_url))
    route_tour.be_refused(stack.base_url, LoopNotes.read(notes_path))


def _watched_by(notes_path: Path) -> dict[str, object]:
    return {"PYTHONPATH": f"{GUARD}:{ROOT}", "RIVERRUN_TEST_LOOP_NOTES": notes_path}


def _open_to_all() -> dict[str, object]:
    """Settings under which all that the authorisation matrix allows succeeds."""
    return {
        "RIVERRUN_SIGN_UP": "open",
        "RIVERRUN_FIREBASE_PROJECT_ID": DEMO_PROJECT,
        "RIVERRUN_FIREBASE_EMULATOR": "127.0.0.1:9",
        **{f"RIVERRUN_{name.upper()}": 0 for name in RATES},
    }


def _with_provider(peer: OidcPeer | None) -> dict[str, object]:
    if peer is None:
        return {}
    providers = json.dumps({"first": peer.client_fields()})
    return {"RIVERRUN_ALLOWED_HOSTS": peer.host, "RIVERRUN_OIDC_PROVIDERS": providers}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--plant", default="", metavar="ROUTE", help="let this route block, to see the proof fail"
    )
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as name, oidc_peer([callback_path("first")]) as peer:
            verdict = prove(Path(name), copy_of_starlette(Path(name)), peer, plant=given.plant)
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        print(f"{missing}\nproof: not run")
        return 1
    audit = audit_riverrun()
    print(audit)
    return say(verdict, audit.faults(ALLOWED))


def say(verdict: Verdict, others: Sequence[str] = ()) -> int:
    """Print all that is wrong, ``others`` too, and the figures; the command's exit status."""
    faults = [*others, *verdict.faults()]
    for line in (*faults, verdict.census, verdict):
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
