"""What people decide about payments, over HTTP: signed, and safe to ask for again under a key."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.money import exact
from ledger.books import linking, payments
from ledger.store import Books
from web.api.door import SCHEMES, Asked, AtDesk, Route
from web.api.fields import Amount, ClientId, InvoiceId, LongLine, PaymentId
from web.api.payments import PaymentOut, whole
from web.problems import documented

router = APIRouter(
    prefix="/api/payments",
    tags=["Payments"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 404, 409, 422, 503),
)


class LinkIn(BaseModel):
    """Which invoice a payment is for; without an amount, with all it has left."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    invoice_id: InvoiceId
    amount: Annotated[
        Amount | None, Field(description="The most that the payment gives to this invoice in all.")
    ] = None
    reason: LongLine | None = None


class UnlinkIn(BaseModel):
    """Which invoice a payment is not for; it may be left out where it is linked to one only."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    invoice_id: InvoiceId | None = None
    reason: LongLine | None = None


class AssignIn(BaseModel):
    """Whose money a payment of nobody known is."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    client_id: ClientId
    reason: LongLine | None = None


@router.post("/{id}/link_to_invoice")
def link_payment(desk: AtDesk, asked: Asked, id: PaymentId, given: LinkIn) -> PaymentOut:  # noqa: A002
    """Apply what a payment has left to an invoice of the same client and currency.

    Money of nobody known becomes the invoice's client's. Said again, it changes nothing.
    """

    def link(books: Books) -> PaymentOut:
        if asked.is_first(books):
            word = desk.word(asked.caller, given.reason)
            amount_minor = _minor(books, id, given.amount)
            linking.link(books, id, given.invoice_id, word, amount_minor)
        return whole(books, id)

    return desk.store.act(link)


@router.post("/{id}/unlink_from_invoice")
def unlink_payment(
    desk: AtDesk,
    asked: Asked,
    id: PaymentId,  # noqa: A002
    given: UnlinkIn | None = None,
) -> Response:
    """Take a payment off an invoice: what it paid stays as credit, and the invoice is owed again.

    The answer has no body.
    """
    said = given or UnlinkIn()

    def unlink(books: Books) -> None:
        if asked.is_first(books):
            linking.unlink(books, id, desk.word(asked.caller, said.reason), said.invoice_id)

    desk.store.act(unlink)
    return Response(status_code=200)


@router.post("/{id}/assign")
def assign_payment(desk: AtDesk, asked: Asked, id: PaymentId, given: AssignIn) -> PaymentOut:  # noqa: A002
    """Say whose money it is that came while no client was known; it becomes the client's credit."""

    def assign(books: Books) -> PaymentOut:
        if asked.is_first(books):
            linking.assign(books, id, given.client_id, desk.word(asked.caller, given.reason))
        return whole(books, id)

    return desk.store.act(assign)


def _minor(books: Books, id_: int, amount: Decimal | None) -> int | None:
    row = payments.find(books, id_)
    return None if amount is None or row is None else exact(amount, row.currency).minor
