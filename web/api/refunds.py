"""Refunds over HTTP: money of a gateway's payment goes back, by a person's word and once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.errors import Refused
from domain.ids import Kind, public
from domain.money import decimal_text
from ledger.books import payments, refunding
from ledger.books.refunding import RefundRow
from ledger.settlement import telling
from ledger.store import Books
from runtime import wiring
from web.api.door import SCHEMES, Asked, AtDesk, Route
from web.api.fields import Amount, Flag, LongLine, PaymentId, RefundId
from web.problems import documented

router = APIRouter(
    prefix="/api",
    tags=["Refunds"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 404, 409, 422, 503),
)


class RefundIn(BaseModel):
    """How much goes back, and why. Without an amount: all that is left of the payment."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    reason: LongLine
    amount: Amount | None = None
    only_unapplied: Annotated[Flag, Field(description="Only of what is applied to no invoice.")] = (
        False
    )


class EndIn(BaseModel):
    """Why a refund is over."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    reason: LongLine


class ReturnedIn(BaseModel):
    """How much went back at the gateway, why you know, and the event that told of it."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    reason: LongLine
    amount: Amount
    event: Annotated[int, Field(ge=1, le=2**63 - 1, description="The N of attention `event:N`.")]


class RefundOut(BaseModel):
    """A refund of ours. `detail` says why it failed, or why nobody knows whether it was made."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: UUID
    payment_id: UUID
    amount: str
    currency: str
    state: Annotated[
        str,
        Field(
            description="OPEN until the gateway takes it up, SENT until it says how it ended, DONE"
            " or FAILED; UNKNOWN when perhaps it was made, and a person has to look."
        ),
    ]
    reason: str
    detail: str | None
    gateway_reference: str | None
    created_at: datetime
    closed_at: datetime | None


class RefundsOut(BaseModel):
    """The refunds of a payment, oldest first."""

    data: Sequence[RefundOut]


@router.post("/payments/{id}/refund", status_code=202)
def refund_payment(desk: AtDesk, asked: Asked, id: PaymentId, given: RefundIn) -> RefundOut:  # noqa: A002
    """Give money of a payment back, wholly or in part.

    The amount is reserved at once and sent by a worker within seconds; the answer shows how far it
    has come by then, `GET` how it ended. What is applied to invoices stays applied until the
    gateway says that it went. Said again under the same key, it goes back once.
    """

    def refund(books: Books) -> RefundRow:
        if asked.is_first(books):
            able = wiring.able_to_refund(desk.links.gateways)
            wanted = refunding.Asked(
                able,
                given.amount,
                given.only_unapplied,
                asked.key,
                wiring.panels(desk.links.gateways),
            )
            word = desk.word(asked.caller, given.reason)
            return refunding.begin(books, id, word, desk.now(), wanted)
        return refunding.asked_as(books, id, asked.caller, asked.key)

    return _out(desk.store.act(refund))


@router.get("/payments/{id}/refunds")
def list_refunds(desk: AtDesk, id: PaymentId) -> RefundsOut:  # noqa: A002
    """List what went back of a payment by our own word, and what is about to."""
    with desk.store.snapshot() as books:
        if payments.find(books, id) is None:
            raise Refused("unknown_payment", "there is no such payment")
        return RefundsOut(data=[_out(row) for row in refunding.of_payment(books, id)])


@router.get("/refunds/{id}")
def show_refund(desk: AtDesk, id: RefundId) -> RefundOut:  # noqa: A002
    """Show how far a refund has come."""
    with desk.store.snapshot() as books:
        return _out(refunding.get(books, id))


@router.post("/refunds/{id}/end")
def end_refund(desk: AtDesk, asked: Asked, id: RefundId, given: EndIn) -> Response:  # noqa: A002
    """Say that a refund is over which was never sent, or of which nobody knows.

    What was reserved for it is free again. Should the gateway report it after all, it is booked.
    The answer has no body.
    """

    def end(books: Books) -> None:
        if asked.is_first(books):
            refunding.end(books, id, desk.word(asked.caller, given.reason))

    desk.store.act(end)
    return Response(status_code=200)


@router.post("/refunds/{id}/went")
def tell_refund(desk: AtDesk, asked: Asked, id: RefundId, given: EndIn) -> RefundOut:  # noqa: A002
    """Say that a refund went of which nobody knew, as the gateway's own panel shows.

    It is booked by your word. For a refund that is UNKNOWN, at a gateway that has no names for
    refunds (MobilPay, NETOPIA): any other one reports it by itself.
    """

    def tell(books: Books) -> RefundRow:
        if asked.is_first(books):
            nameless = wiring.without_names(desk.links.gateways)
            return telling.went(books, id, desk.word(asked.caller, given.reason), nameless)
        return refunding.get(books, id)

    return _out(desk.store.act(tell))


@router.post("/payments/{id}/returned")
def tell_returned(desk: AtDesk, asked: Asked, id: PaymentId, given: ReturnedIn) -> Response:  # noqa: A002
    """Say how much of a payment went back at the gateway's own panel, where it does not tell.

    It is booked by your word, once for each event that asks for it (attention `refund_untold` or
    `fact_disagrees` of `event:N`), and that attention is resolved. The answer has no body.
    """

    def tell(books: Books) -> None:
        if asked.is_first(books):
            said = telling.Returned(given.amount, given.event)
            telling.returned(books, id, said, desk.word(asked.caller, given.reason))

    desk.store.act(tell)
    return Response(status_code=200)


def _out(row: RefundRow) -> RefundOut:
    return RefundOut.model_validate(
        {
            "id": public(Kind.REFUND, row.id),
            "payment_id": public(Kind.PAYMENT, row.payment_id),
            "amount": decimal_text(row.money),
            "currency": row.currency,
            "state": row.state.upper(),
            "reason": row.reason,
            "detail": row.detail,
            "gateway_reference": row.item,
            "created_at": row.created_at,
            "closed_at": row.closed_at,
        }
    )
