"""Why an invoice is paid, or is not: every posting with its act, its facts and their deliveries."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain import invoices as rules
from domain.balance import balance_minor
from domain.errors import Refused
from domain.ids import Kind, public
from domain.invoices import Status
from domain.money import Money, decimal_text
from ledger.books import invoices, origins
from ledger.books.origins import ActRow, FactRow, Origin
from web.api.door import SCHEMES, AtDesk, Route
from web.api.fields import InvoiceId
from web.problems import documented

router = APIRouter(
    prefix="/api/invoices",
    tags=["Invoices"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 422, 503),
)

_NAMES = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class ActOut(BaseModel):
    """Who made a posting, and why. `events` are the deliveries that a machine settled in it."""

    model_config = _NAMES

    number: int
    actor: str
    act: str
    reason: str | None
    recorded_at: datetime
    events: Sequence[int]


class DeliveryOut(BaseModel):
    """What a gateway told us; `sha256` is that of the body as it arrived, byte for byte."""

    model_config = _NAMES

    event: Annotated[int, Field(description="Its number in our inbox.")]
    event_id: Annotated[str, Field(description="The gateway's own name for it.")]
    gateway: str
    account: str
    kind: str
    source: str
    received_at: datetime
    sha256: str


class FactOut(BaseModel):
    """What is known of a payment's money, and the delivery that told it last."""

    model_config = _NAMES

    reference: str
    move: str
    item: str
    status: str
    fact_class: str
    currency: str
    amount: str
    happened_at: datetime
    delivery: DeliveryOut


class MovementOut(BaseModel):
    """A posting: money that went from `source` to `destination`.

    `facts` is what moved it; where our rules or a person moved it on, all that is known of its
    payment.
    """

    model_config = _NAMES

    number: int
    kind: str
    source: str
    destination: str
    currency: str
    amount: str
    payment_id: UUID | None
    invoice_id: UUID | None
    reverses: Annotated[int | None, Field(description="The posting that this one takes back.")]
    effective_on: date
    act: ActOut
    facts: list[FactOut]


class WhyOut(BaseModel):
    """An invoice, and every posting of it and of its payments."""

    model_config = _NAMES

    id: UUID
    number: str | None
    currency: str
    status: Status
    total: str
    paid: str
    balance: str
    postings: list[MovementOut]


@router.get("/{id}/why", responses=documented(404))
def explain_invoice(desk: AtDesk, id: InvoiceId) -> WhyOut:  # noqa: A002 - its name in the address
    """Show why an invoice is paid or not: every posting, who made it, and what it was told by."""
    with desk.store.snapshot() as books:
        invoice = invoices.find(books, id)
        if invoice is None:
            raise Refused("unknown_invoice", "there is no such invoice")
        overpaid_minor = invoices.extras(books, [id])[id].overpaid_minor
        found = origins.of_invoice(books, id)
    balance = balance_minor(invoice, overpaid_minor)
    return WhyOut(
        id=public(Kind.INVOICE, invoice.id),
        number=invoice.number,
        currency=invoice.currency,
        status=rules.status(invoice, desk.today),
        total=decimal_text(Money(invoice.currency, invoice.total_minor)),
        paid=decimal_text(Money(invoice.currency, invoice.paid_minor)),
        balance=decimal_text(Money(invoice.currency, balance)),
        postings=[_movement(each) for each in found],
    )


def _movement(origin: Origin) -> MovementOut:
    posting = origin.posting
    return MovementOut(
        number=posting.id,
        kind=posting.kind,
        source=posting.source,
        destination=posting.destination,
        currency=posting.currency,
        amount=decimal_text(Money(posting.currency, posting.amount_minor)),
        payment_id=posting.payment_id and public(Kind.PAYMENT, posting.payment_id),
        invoice_id=posting.invoice_id and public(Kind.INVOICE, posting.invoice_id),
        reverses=posting.reverses,
        effective_on=posting.effective_on,
        act=_act(origin.act),
        facts=[_fact(each) for each in origin.facts],
    )


def _act(row: ActRow) -> ActOut:
    values = {name: getattr(row, name) for name in row.__slots__}
    return ActOut(number=values.pop("id"), **values)


def _fact(row: FactRow) -> FactOut:
    return FactOut(
        reference=row.reference,
        move=row.move,
        item=row.item,
        status=row.status,
        fact_class=row.fact_class,
        currency=row.currency,
        amount=decimal_text(Money(row.currency, row.amount_minor)),
        happened_at=row.happened_at,
        delivery=DeliveryOut(
            event=row.event,
            event_id=row.event_id,
            gateway=row.gateway,
            account=row.account,
            kind=row.event_kind,
            source=row.event_source,
            received_at=row.received_at,
            sha256=row.sha256,
        ),
    )
