"""`incasso refund`: gives money of a payment back, once."""

from decimal import Decimal
from getpass import getuser
from typing import Annotated

import typer

from cli import asked, naming, opening, shapes
from domain.refunds import RefundState
from ledger import stops
from ledger.books import refunding
from ledger.books.acting import Word
from ledger.books.refunding import RefundRow
from ledger.settlement import telling
from ledger.store import Books
from runtime import clock, wiring
from runtime.settings import settings
from web.api.fields import Amount, Code, LongLine


def refund(  # noqa: PLR0913, PLR0917 - one option per thing to say
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
    went: Annotated[
        int | None,
        typer.Option(help="Give nothing back: say that refund N, of which nobody knows, went."),
    ] = None,
    told: Annotated[
        int | None,
        typer.Option(help="Give nothing back: say that --amount is what event N told of."),
    ] = None,
    as_json: shapes.AsJson = False,
) -> None:
    """Give money of a payment back through its gateway; the amount is reserved at once.

    A worker sends it within seconds. Two who give the whole back give it back once.
    """
    _only_one(end, went, told)
    if (end or went) is not None and (amount is not None or only_unapplied):
        raise typer.BadParameter("--end and --went stand alone")
    name = asked.text(Code, payment, "PAYMENT")
    word = _word(asked.text(LongLine, reason, "--reason"))
    if told is not None:
        if amount is None or only_unapplied:
            raise typer.BadParameter("--told and --amount go together")
        return _returned(name, told, asked.value(Amount, amount, "--amount"), word)
    wanted = refunding.Asked(
        able=wiring.able_to_refund(wiring.gateways()),
        amount=None if amount is None else asked.value(Amount, amount, "--amount"),
        only_unapplied=only_unapplied,
        panels=wiring.panels(wiring.gateways()),
    )

    def act(books: Books) -> RefundRow:
        payment_id = naming.payment(books, name)
        if went is not None:
            refund_id = refunding.only(books, payment_id, went).id
            return telling.went(books, refund_id, word, wiring.without_names(wiring.gateways()))
        if end is None:
            return refunding.begin(books, payment_id, word, clock.now(), wanted)
        refunding.end(books, refunding.only(books, payment_id, end).id, word)
        return refunding.get(books, end)

    done, is_stopped = opening.store().act(
        lambda books: (act(books), stops.are_refunds_stopped(books))
    )
    if as_json:
        return shapes.as_json(done)
    return typer.echo(_told(done, is_stopped=is_stopped))


def _only_one(*numbers: int | None) -> None:
    if sum(each is not None for each in numbers) > 1:
        raise typer.BadParameter("of --end, --went and --told only one can be said")


def _returned(name: str, event: int, amount: Decimal, word: Word) -> None:
    def act(books: Books) -> None:
        said = telling.Returned(amount, event)
        telling.returned(books, naming.payment(books, name), said, word)

    opening.store().act(act)
    typer.echo(f"{amount} went back, as event {event} told: it is booked.")


def _told(refund: RefundRow, *, is_stopped: bool) -> str:
    money = shapes.amount(refund.currency, refund.amount_minor)
    if refund.state == RefundState.FAILED.value:
        return f"Refund {refund.id} of {money} is over; its amount is free again."
    if refund.state == RefundState.DONE.value:
        return f"Refund {refund.id} of {money} went, by your word: it is booked."
    if is_stopped:
        return f"Refund {refund.id}: {money} are reserved; they go after `incasso resume refunds`."
    return f"Refund {refund.id}: {money} are reserved and on their way back."


def _word(reason: str) -> Word:
    zone = settings().zone
    return Word(f"cli:{getuser()}", reason, clock.now().astimezone(zone).date(), zone)
