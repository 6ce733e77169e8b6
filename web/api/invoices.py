"""Invoices over HTTP."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain import invoices as rules
from domain.balance import balance_minor
from domain.errors import Refused
from domain.ids import Kind, public
from domain.invoices import Standing, Status, VatCategory
from domain.money import Money, decimal_text, exact, exponent
from ledger.books import clients, invoices
from ledger.books.invoices import Draft, Extras, LineRow, Wanted
from ledger.store import Books
from web.api.door import SCHEMES, AtDesk, Desk, Route
from web.api.fields import ClientId, Code, Currency, Day, Exact, InvoiceId, Line, LongLine
from web.api.paging import PageIn
from web.problems import documented

router = APIRouter(
    prefix="/api/invoices",
    tags=["Invoices"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 422, 503),
)


class LineIn(BaseModel):
    """A line as it is entered; `discount` is an amount off the line, `vatRate` a percentage."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    description: LongLine
    quantity: Exact = Decimal(1)
    unit: Code = "buc"
    unit_price: Exact
    discount: Exact = Decimal(0)
    vat_rate: Exact
    vat_category: VatCategory = VatCategory.STANDARD
    vat_reason: Line | None = None


class InvoiceIn(BaseModel):
    """A draft as it is entered. The currency left out is the client's; days are set at sending."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    client_id: ClientId
    external_id: Code | None = None
    currency: Currency | None = None
    issue_date: Day | None = None
    due_date: Day | None = None
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=500)]


class LineOut(BaseModel):
    """A line of an invoice."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    description: str
    quantity: str
    unit: str
    unit_price: str
    discount: str
    vat_rate: str
    vat_category: VatCategory
    vat_reason: str | None


class InvoiceBriefOut(BaseModel):
    """An invoice without its lines.

    `balance` is what is still owed: below zero when more was paid. `status` and `isOverdue` are
    those of the present day.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: UUID
    client_id: UUID
    external_id: str | None
    number: str | None
    currency: str
    issue_date: date | None
    due_date: date | None
    total: str
    paid: str
    credited: str
    written_off: str
    balance: str
    status: Status
    is_overdue: bool
    created_at: datetime
    updated_at: datetime


class InvoiceOut(InvoiceBriefOut):
    """An invoice with its lines."""

    lines: list[LineOut]


class InvoicesOut(BaseModel):
    """A page of invoices."""

    data: Sequence[InvoiceBriefOut]
    next: str | None


class InvoicesPageIn(PageIn):
    """Which invoices are asked for."""

    client: ClientId | None = None
    number: Code | None = None
    status: Status | None = None


@router.post("", status_code=201, responses=documented(404, 409))
def draft_invoice(desk: AtDesk, given: InvoiceIn, response: Response) -> InvoiceOut:
    """Draft an invoice."""
    with desk.store.transaction() as books:
        currency = given.currency or _currency_of(books, given.client_id)
        id_ = invoices.draft(
            books,
            Draft(
                client_id=given.client_id,
                currency=currency,
                lines=tuple(_line(line, currency) for line in given.lines),
                external_id=given.external_id,
                issue_on=given.issue_date,
                due_on=given.due_date,
            ),
        )
        drafted = whole(books, desk, id_)
    response.headers["Location"] = f"/api/invoices/{drafted.id}"
    return drafted


@router.get("")
def list_invoices(desk: AtDesk, page: Annotated[InvoicesPageIn, Query()]) -> InvoicesOut:
    """List the invoices, oldest first."""
    with desk.store.snapshot() as books:
        wanted = Wanted(page.client, page.number, page.status, desk.today)
        found = invoices.page(books, wanted, after=page.after(Kind.INVOICE), most=page.most)
        shown = page.cut(found)
        extras = invoices.extras(books, [invoice.id for invoice in shown])
    return InvoicesOut(
        data=[
            InvoiceBriefOut(**_values(invoice, extras[invoice.id], desk.today)) for invoice in shown
        ],
        next=page.next(Kind.INVOICE, [invoice.id for invoice in found]),
    )


@router.get("/{id}", responses=documented(404))
def show_invoice(desk: AtDesk, id: InvoiceId) -> InvoiceOut:  # noqa: A002 - its name in the address
    """Show one invoice."""
    with desk.store.snapshot() as books:
        return whole(books, desk, id)


def whole(books: Books, desk: Desk, id_: int) -> InvoiceOut:
    """The invoice as it is shown; Refused when there is none."""
    found = invoices.find(books, id_)
    if found is None:
        raise Refused("unknown_invoice", "there is no such invoice")
    values = _values(found, invoices.extras(books, [id_])[id_], desk.today)
    lines = [_line_out(row, found.currency) for row in invoices.lines(books, id_)]
    return InvoiceOut(**values, lines=lines)


def _currency_of(books: Books, client_id: int) -> str:
    client = clients.find(books, client_id)
    if client is None:
        raise Refused("unknown_client", "clientId names no client")
    return client.currency


def _line(given: LineIn, currency: str) -> rules.Line:
    return rules.Line(
        description=given.description,
        quantity=given.quantity,
        unit=given.unit,
        unit_price=given.unit_price,
        discount=exact(given.discount, currency),
        vat_rate=given.vat_rate,
        vat_category=given.vat_category,
        vat_reason=given.vat_reason,
    )


def _values(invoice: Standing, extras: Extras, today: date) -> dict[str, object]:
    def text(minor: int) -> str:
        return decimal_text(Money(invoice.currency, minor))

    return {
        "id": public(Kind.INVOICE, invoice.id),
        "client_id": public(Kind.CLIENT, invoice.client_id),
        "external_id": extras.external_id,
        "number": invoice.number,
        "currency": invoice.currency,
        "issue_date": invoice.issue_on,
        "due_date": invoice.due_on,
        "total": text(invoice.total_minor),
        "paid": text(invoice.paid_minor),
        "credited": text(invoice.credited_minor),
        "written_off": text(invoice.written_off_minor),
        "balance": text(balance_minor(invoice, extras.overpaid_minor)),
        "status": rules.status(invoice, today),
        "is_overdue": invoice.is_overdue(today),
        "created_at": extras.created_at,
        "updated_at": extras.updated_at,
    }


def _line_out(row: LineRow, currency: str) -> LineOut:
    return LineOut(
        description=row.description,
        quantity=_plain(row.quantity, 0),
        unit=row.unit,
        unit_price=_plain(row.unit_price, exponent(currency)),
        discount=decimal_text(Money(currency, row.discount_minor)),
        vat_rate=_plain(row.vat_rate, 0),
        vat_category=VatCategory(row.vat_category),
        vat_reason=row.vat_reason,
    )


def _plain(value: Decimal, least_digits: int) -> str:
    """Without the zeros that the column adds, yet with as many decimals as prices show."""
    whole, _, rest = format(value, "f").partition(".")
    rest = rest.rstrip("0").ljust(least_digits, "0")
    return f"{whole}.{rest}" if rest else whole
