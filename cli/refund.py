"""`incasso refund`: gives money of a payment back, once."""

from getpass import getuser
from typing import Annotated

import typer

from cli import asked, naming, opening, shapes
from ledger.books import refunding
from ledger.books.acting import Word
from ledger.books.refunding import RefundRow
from ledger.store import Books
from runtime import clock, wiring
from runtime.settings import settings
from web.api.fields import Amount, Code, LongLine


def refund(
    payment: Annotated[str, typer.Argument(help="Its id, or its name at the gateway.")],
    reason: Annotated[str, typer.Option(help="Why; it is written down.")],
    amount: Annotated[
        str | None, typer.Option(help="How much, like 12.50; else all that is left.")
    ] = None,
    only_unapplied: Annotated[
        bool, typer.Option("--only-unapplied", help="Only what is applied to no invoice.")
    ] = False,
    end: Annotated[
        int | None,
        typer.Option(
            help="Give nothing back: say that refund N is over; its amount is free again."
        ),
    ] = None,
    as_json: shapes.AsJson = False,
) -> None:
    """Give money of a payment back through its gateway; the amount is reserved at once.

    A worker sends it within seconds. Two who give the whole back give it back once.
    """
    if end is not None and (amount is not None or only_unapplied):
        raise typer.BadParameter("--end stands alone")
    name = asked.text(Code, payment, "PAYMENT")
    word = _word(asked.text(LongLine, reason, "--reason"))
    wanted = refunding.Asked(
        able=wiring.able_to_refund(wiring.gateways()),
        amount=None if amount is None else asked.value(Amount, amount, "--amount"),
        only_unapplied=only_unapplied,
        panels=wiring.panels(wiring.gateways()),
    )

    def act(books: Books) -> RefundRow:
        payment_id = naming.payment(books, name)
        if end is None:
            return refunding.begin(books, payment_id, word, clock.now(), wanted)
        refunding.end(books, refunding.only(books, payment_id, end).id, word)
        return refunding.get(books, end)

    done = opening.store().act(act)
    if as_json:
        return shapes.as_json(done)
    money = shapes.amount(done.currency, done.amount_minor)
    if end is not None:
        typer.echo(f"Refund {done.id} of {money} is over; its amount is free again.")
    else:
        typer.echo(f"Refund {done.id}: {money} are reserved and on their way back.")
    return None


def _word(reason: str) -> Word:
    zone = settings().zone
    return Word(f"cli:{getuser()}", reason, clock.now().astimezone(zone).date(), zone)
