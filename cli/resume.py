"""`incasso resume`: lets go on what `incasso stop` made stand still."""

from getpass import getuser
from typing import Annotated

import typer

from cli import asked, nudging, opening
from ledger import stops
from ledger.stops import Stop
from web.api.fields import LongLine


def resume(
    what: Annotated[Stop, typer.Argument(help="What shall go on.")],
    reason: Annotated[str | None, typer.Option(help="Why; it is written down.")] = None,
) -> None:
    """Let letters, refunds or settling go on; what has waited meanwhile is taken up at once."""
    said = asked.text_if_given(LongLine, reason, "--reason")
    with opening.store().transaction() as books:
        was_stopped = stops.remove(books, what, f"cli:{getuser()}", said)
    if not was_stopped:
        return typer.echo(f"Nothing to resume: {what} was not stopped.")
    if what is Stop.SETTLING:
        nudging.nudge()
    return typer.echo(f"Resumed {what}.")
