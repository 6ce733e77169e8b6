"""`incasso remind`: a person's word that an invoice is owed again."""

from getpass import getuser
from typing import Annotated

import typer

from cli import asked, naming, opening
from ledger.books import holds
from ledger.store import Books
from runtime import clock
from runtime.settings import settings
from web.api.fields import LongLine


def remind(
    invoice: Annotated[str, typer.Argument(help="Its number, like INV-0003, or its id.")],
    reason: Annotated[str, typer.Option(help="Why it is owed; it is written down.")],
) -> None:
    """Say that an invoice is owed again although money went back; its reminders begin anew."""
    said = asked.text(LongLine, reason, "--reason")
    zone = settings().zone
    today = clock.now().astimezone(zone).date()

    def act(books: Books) -> int:
        return holds.owed_again(
            books, naming.invoice_to_pay(books, invoice).id, f"cli:{getuser()}", said, today, zone
        )

    planned = opening.store().act(act)
    typer.echo(f"{invoice} is owed again: {planned} reminders planned.")
