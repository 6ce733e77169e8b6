"""What people do to invoices, over HTTP: each act signed, and safe to ask for again under a key."""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from domain.money import exact
from ledger.books import invoices, issuing, reducing
from ledger.books.acting import Word
from ledger.store import Books
from web.api.door import SCHEMES, Asked, Asking, AtDesk, Desk, Route
from web.api.fields import Amount, InvoiceId, LongLine
from web.api.invoices import InvoiceOut, whole
from web.problems import documented

router = APIRouter(
    prefix="/api/invoices",
    tags=["Invoices"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 404, 409, 422, 503),
)


class ReasonIn(BaseModel):
    """Why somebody does it."""

    model_config = ConfigDict(extra="forbid")

    reason: LongLine


class ReductionIn(ReasonIn):
    """How much less is owed, and why; without an amount, all that is open."""

    amount: Amount | None = None


@router.post("/{id}/send")
def send_invoice(desk: AtDesk, asked: Asked, id: InvoiceId) -> InvoiceOut:  # noqa: A002
    """Issue a draft: it gets its number, is frozen, and its reminders are planned."""

    def issue(books: Books) -> object:
        return issuing.issue(books, id, asked.caller, desk.today, desk.zone)

    return _acted(desk, asked, id, issue)


@router.post("/{id}/void")
def void_invoice(desk: AtDesk, asked: Asked, id: InvoiceId, given: ReasonIn) -> InvoiceOut:  # noqa: A002
    """Take an issued invoice back; what paid it becomes unapplied credit of the client."""
    word = desk.word(asked.caller, given.reason)
    return _acted(desk, asked, id, lambda books: issuing.void(books, id, word))


@router.post("/{id}/credit_note")
def credit_invoice(desk: AtDesk, asked: Asked, id: InvoiceId, given: ReductionIn) -> InvoiceOut:  # noqa: A002
    """Say that the client owes so much less; what he paid of it becomes unapplied credit."""
    return _reduced(desk, asked, id, given, reducing.credit_note)


@router.post("/{id}/write_off")
def write_off_invoice(desk: AtDesk, asked: Asked, id: InvoiceId, given: ReductionIn) -> InvoiceOut:  # noqa: A002
    """Give up so much of what is owed."""
    return _reduced(desk, asked, id, given, reducing.write_off)


@router.post("/{id}/undo_write_off")
def undo_write_off(desk: AtDesk, asked: Asked, id: InvoiceId, given: ReasonIn) -> InvoiceOut:  # noqa: A002
    """Take all that was written off back: it is owed again, from today on."""
    word = desk.word(asked.caller, given.reason)
    return _acted(desk, asked, id, lambda books: reducing.undo_write_off(books, id, word))


def _reduced(
    desk: Desk,
    asked: Asking,
    id_: int,
    given: ReductionIn,
    reduce: Callable[[Books, int, Word, int | None], object],
) -> InvoiceOut:
    word = desk.word(asked.caller, given.reason)

    def act(books: Books) -> None:
        invoice = invoices.find(books, id_)
        amount_minor = None
        if given.amount is not None and invoice is not None:
            amount_minor = exact(given.amount, invoice.currency).minor
        reduce(books, id_, word, amount_minor)

    return _acted(desk, asked, id_, act)


def _acted(desk: Desk, asked: Asking, id_: int, act: Callable[[Books], object]) -> InvoiceOut:
    """The invoice after the act, or as it stands where it was done under this key before."""

    def work(books: Books) -> InvoiceOut:
        if asked.is_first(books):
            act(books)
        return whole(books, desk, id_)

    return desk.store.act(work)
