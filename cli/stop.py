"""`incasso stop`: makes a part of the machine stand still."""

from getpass import getuser
from typing import Annotated

import typer

from cli import asked, opening
from ledger import stops
from ledger.stops import Stop
from web.api.fields import LongLine


def stop(
    what: Annotated[Stop, typer.Argument(help="What shall stand still.")],
    reason: Annotated[str, typer.Option(help="Why; it is written down.")],
) -> None:
    """Stop letters, refunds, or settling and letters with it; processes obey within 5 seconds.

    Deliveries are kept and acknowledged all the same: the intake never stops. Outgoing webhooks
    become stoppable with the version that sends them.
    """
    said = asked.text(LongLine, reason, "--reason")
    with opening.store().transaction() as books:
        is_new = stops.put(books, what, f"cli:{getuser()}", said)
    if is_new:
        typer.echo(f"Stopped {what}. `incasso resume {what}` lets it go on.")
    else:
        typer.echo(f"Stopped already: {what}. `incasso status` shows since when and why.")
