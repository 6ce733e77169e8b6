"""Clients over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.errors import Refused
from domain.ids import Kind, public
from domain.money import Money, decimal_text
from ledger.books import clients, owing
from ledger.books.clients import ClientRow, NewClient
from ledger.books.owing import CreditRow, OwingRow
from web.api.door import SCHEMES, AtDesk, Route
from web.api.fields import (
    ClientId,
    Code,
    Country,
    Currency,
    Days,
    Email,
    Flag,
    Iban,
    Language,
    Line,
    Timezone,
)
from web.api.paging import PageIn
from web.problems import documented

router = APIRouter(
    prefix="/api/clients",
    tags=["Clients"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 422, 503),
)

_MOST_PAYMENTS = 100

ReminderPolicy = Literal["standard", "none"]


class ClientIn(BaseModel):
    """A client as it is entered."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    name: Line
    number: Code | None = None
    external_id: Code | None = None
    email: Email | None = None
    tax_id: Code | None = None
    is_company: Flag = True
    currency: Currency = "RON"
    country: Country = "RO"
    street: Line | None = None
    city: Line | None = None
    county: Line | None = None
    postal_code: Code | None = None
    language: Language = "ro"
    timezone: Timezone | None = None
    ibans: Annotated[list[Iban], Field(max_length=20)] = []
    terms: Annotated[Days, Field(description="Days from the issue to the due day.")] = 30
    reminder_policy: ReminderPolicy = "standard"


class ClientOut(BaseModel):
    """A client."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: UUID
    name: str
    number: str | None
    external_id: str | None
    email: str | None
    tax_id: str | None
    is_company: bool
    currency: str
    country: str
    street: str | None
    city: str | None
    county: str | None
    postal_code: str | None
    language: str
    timezone: str | None
    ibans: list[str]
    terms: int
    reminder_policy: ReminderPolicy
    created_at: datetime
    updated_at: datetime


class AmountOut(BaseModel):
    """An amount of one currency."""

    currency: str
    amount: str


class PaymentCreditOut(BaseModel):
    """What of one payment is applied to no invoice."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    payment_id: UUID
    amount: str


class CreditOut(BaseModel):
    """Money of the client that is applied to no invoice, in one currency.

    `payments` has the oldest hundred it lies on; all are listed by
    `GET /api/payments?client=…&unapplied=true`.
    """

    currency: str
    amount: str
    payments: Sequence[PaymentCreditOut]


class ClientWholeOut(ClientOut):
    """A client, with what he owes and has in each currency.

    `balance` is what is open of his invoices less his unapplied credit: below zero where he has
    more than he owes.
    """

    balance: Sequence[AmountOut]
    unapplied: Sequence[CreditOut]


class ClientsOut(BaseModel):
    """A page of clients."""

    data: Sequence[ClientOut]
    next: str | None


@router.post("", status_code=201, responses=documented(409))
def add_client(desk: AtDesk, given: ClientIn, response: Response) -> ClientOut:
    """Add a client."""
    values = given.model_dump()
    with desk.store.transaction() as books:
        id_ = clients.add(books, NewClient(terms_days=values.pop("terms"), **values))
        added = _found(clients.find(books, id_))
    response.headers["Location"] = f"/api/clients/{added.id}"
    return added


@router.get("")
def list_clients(desk: AtDesk, page: Annotated[PageIn, Query()]) -> ClientsOut:
    """List the clients, oldest first."""
    with desk.store.snapshot() as books:
        rows = clients.page(books, page.after(Kind.CLIENT), page.most)
    return ClientsOut(
        data=[_out(row) for row in page.cut(rows)],
        next=page.next(Kind.CLIENT, [row.id for row in rows]),
    )


@router.get("/{id}", responses=documented(404))
def show_client(desk: AtDesk, id: ClientId) -> ClientWholeOut:  # noqa: A002 - its name in the address
    """Show one client, with his balance and unapplied credit."""
    with desk.store.snapshot() as books:
        found = _found(clients.find(books, id))
        rows, lies_on = owing.by_currency(books, id), owing.credit(books, id, _MOST_PAYMENTS)
    return ClientWholeOut(
        **found.model_dump(),
        balance=[_balance(row) for row in rows],
        unapplied=[_credit(row, lies_on) for row in rows if row.unapplied_minor],
    )


def _balance(row: OwingRow) -> AmountOut:
    amount = _text(row.currency, row.open_minor - row.unapplied_minor)
    return AmountOut(currency=row.currency, amount=amount)


def _credit(row: OwingRow, lies_on: Sequence[CreditRow]) -> CreditOut:
    return CreditOut(
        currency=row.currency,
        amount=_text(row.currency, row.unapplied_minor),
        payments=[
            PaymentCreditOut(
                payment_id=public(Kind.PAYMENT, each.payment_id),
                amount=_text(each.currency, each.unapplied_minor),
            )
            for each in lies_on
            if each.currency == row.currency
        ],
    )


def _text(currency: str, minor: int) -> str:
    return decimal_text(Money(currency, minor))


def _found(row: ClientRow | None) -> ClientOut:
    if row is None:
        raise Refused("unknown_client", "there is no such client")
    return _out(row)


def _out(row: ClientRow) -> ClientOut:
    values = {name: getattr(row, name) for name in row.__slots__}
    values["terms"] = values.pop("terms_days")
    return ClientOut(**values | {"id": public(Kind.CLIENT, row.id)})
