"""`incasso backfill`: fetches what a gateway has told and we never received."""

from typing import Annotated

import typer
from rich.console import Console

from cli import moments, nudging, opening, shapes
from domain.errors import Refused
from gateways.port import Gateway
from runtime import clock, wiring
from runtime.settings import settings
from workers import backfills
from workers.backfills import Filled


def backfill(
    gateway: Annotated[str, typer.Option(help="Such as stripe or paypal.")],
    since: Annotated[str, typer.Option(help="The first day, such as 2026-11-20, or instant.")],
    *,
    as_json: shapes.AsJson = False,
) -> None:
    """Fetch the events of a gateway that never came, and settle them like deliveries.

    Those that came are left alone, so it may be run again at any time. Gateways remember 30 days.
    """
    asked, begin, now = _named(gateway), moments.instant(since, settings().zone), clock.now()
    if begin >= now:
        raise typer.BadParameter("--since lies in the future")
    console = Console(stderr=True)
    with console.status("asking ...") as status:

        def tell(filled: Filled) -> None:
            status.update(f"{filled.listed} events listed, {len(filled.fetched)} fetched ...")

        try:
            filled = backfills.fill(opening.store(), asked, begin, now, tell)
        finally:
            nudging.nudge()
    if as_json:
        told = {"gateway": asked.name, "listed": filled.listed, "fetched": filled.fetched}
        return shapes.as_json(told)
    return typer.echo(
        f"{asked.name} has told of {filled.listed} events since {moments.shown(begin)} UTC;"
        f" {len(filled.fetched)} of them never came and are fetched now."
    )


def _named(name: str) -> Gateway:
    found = wiring.gateways()
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise Refused("not_configured", f"{name} is not configured; configured: {known}")
    return found[name]
