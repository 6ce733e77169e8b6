"""Payments over HTTP; those of gateways are made by what the gateways report."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.errors import Refused
from domain.ids import Kind, public
from domain.money import Money, decimal_text
from ledger.books import payments
from ledger.books.payments import AppliedRow, PaymentRow, Wanted
from ledger.store import Books
from web.api.door import SCHEMES, AtDesk, Route
from web.api.fields import ClientId, InvoiceId, PaymentId
from web.api.paging import PageIn
from web.problems import documented

router = APIRouter(
    prefix="/api/payments",
    tags=["Payments"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 422, 503),
)


PaymentState = Literal["DRAFT", "POSTED", "REJECTED", "CANCELLED"]


class AllocationOut(BaseModel):
    """How much of a payment is applied to one invoice."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    invoice_id: UUID
    amount: str


class PaymentOut(BaseModel):
    """A payment. `clientId` is null while nobody knows whose money it is."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: UUID
    amount: str
    currency: str
    payment_date: date
    payment_method: str
    reference: str | None
    notes: str | None
    is_reconciled: bool
    payment_created_at: datetime
    created_at: datetime
    updated_at: datetime
    client_id: UUID | None
    invoice_id: Annotated[
        UUID | None, Field(description="The invoice it is meant for; of several, the latest said.")
    ]
    invoice: Annotated[str | None, Field(description="The address of that invoice.")]
    state: PaymentState
    unapplied: Annotated[str, Field(description="What of it is applied to no invoice.")]
    allocations: list[AllocationOut]
    gateway: str | None
    gateway_reference: str | None
    external_id: None = None


class PaymentsOut(BaseModel):
    """A page of payments."""

    data: Sequence[PaymentOut]
    next: str | None


class PaymentsPageIn(PageIn):
    """Which payments are asked for."""

    invoice: Annotated[
        InvoiceId | None, Field(description="Meant for this invoice, or applied to it.")
    ] = None
    client: ClientId | None = None
    state: PaymentState | None = None
    unapplied: Annotated[
        bool, Field(description="Only those of which something is applied to no invoice.")
    ] = False


@router.get("")
def list_payments(desk: AtDesk, page: Annotated[PaymentsPageIn, Query()]) -> PaymentsOut:
    """List the payments, oldest first."""
    with desk.store.snapshot() as books:
        wanted = Wanted(
            invoice_id=page.invoice,
            client_id=page.client,
            state=page.state and page.state.lower(),
            is_unapplied=page.unapplied,
        )
        rows = payments.page(books, wanted, after=page.after(Kind.PAYMENT), most=page.most)
        data = _out(books, page.cut(rows))
    return PaymentsOut(data=data, next=page.next(Kind.PAYMENT, [row.id for row in rows]))


@router.get("/{id}", responses=documented(404))
def show_payment(desk: AtDesk, id: PaymentId) -> PaymentOut:  # noqa: A002 - its name in the address
    """Show one payment."""
    with desk.store.snapshot() as books:
        return whole(books, id)


def whole(books: Books, id_: int) -> PaymentOut:
    """The payment as it is shown; Refused when there is none."""
    row = payments.find(books, id_)
    if row is None:
        raise Refused("unknown_payment", "there is no such payment")
    return _out(books, [row])[0]


def _out(books: Books, rows: Sequence[PaymentRow]) -> list[PaymentOut]:
    ids = [row.id for row in rows]
    applied, meant = payments.applied(books, ids), payments.meant(books, ids)
    return [
        _one(row, meant.get(row.id), (each for each in applied if each.payment_id == row.id))
        for row in rows
    ]


def _one(row: PaymentRow, meant_for: int | None, applied: Iterable[AppliedRow]) -> PaymentOut:
    def text(minor: int) -> str:
        return decimal_text(Money(row.currency, minor))

    return PaymentOut.model_validate(
        {
            "id": public(Kind.PAYMENT, row.id),
            "amount": text(row.amount_minor),
            "currency": row.currency,
            "payment_date": row.paid_on,
            "payment_method": row.method,
            "reference": row.reference,
            "notes": row.notes,
            "is_reconciled": row.is_reconciled,
            "payment_created_at": row.created_at,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "client_id": row.client_id and public(Kind.CLIENT, row.client_id),
            "invoice_id": meant_for and public(Kind.INVOICE, meant_for),
            "invoice": meant_for and f"/api/invoices/{public(Kind.INVOICE, meant_for)}",
            "state": row.state.upper(),
            "unapplied": text(row.unapplied_minor + row.unidentified_minor),
            "allocations": [
                {
                    "invoice_id": public(Kind.INVOICE, each.invoice_id),
                    "amount": text(each.amount_minor),
                }
                for each in applied
            ],
            "gateway": row.gateway,
            "gateway_reference": row.gateway_reference,
        }
    )
