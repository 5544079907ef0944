"""``riverrun loop``: who blocked the server's event loop."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text


@ends_in_words
def loop(
    stacks: Annotated[bool, typer.Option("--stacks", help="Show the whole stack of each.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew after this.")] = False,
) -> None:
    """Show what blocked the server's event loop, the longest first; for administrators."""
    console = output()
    with open_client() as client:
        report = client.loop_report()
        if reset:
            client.reset_loop_report()
    show_loop(console, report, has_stacks=stacks)


def show_loop(console: Console, report: dict[str, Any], *, has_stacks: bool) -> None:
    """The report for a person."""
    if report["worst"]:
        console.print(_table(report["worst"]))
    for stall in report["worst"] if has_stacks else ():
        console.print()
        console.print(plain_text(f"{stall['blocked_time_ms']:.0f} ms  {_request_of(stall)}", "bold"))
        for line in stall["stack"]:
            console.print(plain_text(f"  {line}"), soft_wrap=True)
    since = report["since"][:19].replace("T", " ")
    starved = report["machine_stalls"]
    console.print(
        f"blocked {report['stalls']} times since {since} UTC; the machine held it up {starved} times"
    )
    if report["callback_cpu_ms"]:
        where = f"{_request_of(report['callback'])} at {report['callback']['line']}"
        console.print(
            plain_text(f"most CPU of one callback: {report['callback_cpu_ms']} ms, {where}"), soft_wrap=True
        )


def _table(stalls: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("blocked", "cpu", "what", "where"):
        table.add_column(column, no_wrap=column in ("blocked", "cpu"))
    for stall in stalls:
        blocked, cpu = f"{stall['blocked_time_ms']:.0f} ms", f"{stall['cpu_ms']:.0f} ms"
        table.add_row(blocked, cpu, plain_text(_request_of(stall)), plain_text(stall["line"]))
    return table


def _request_of(place: dict[str, Any]) -> str:
    return f"{place['method']} {place['endpoint']}".strip()
