"""Invoices as drafts, and as they are found and listed."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.errors import Refused
from domain.invoices import Line, Standing, Status, Totals, total
from ledger.books import clients
from ledger.books.holdings import STANDING_COLUMNS, standing
from ledger.store import Books, columns

_FAR = date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice as it is entered; days left out are set at issue: today, and by client terms."""

    client_id: int
    currency: str
    lines: tuple[Line, ...]
    external_id: str | None = None
    issue_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class LineRow:
    """A stored line with its net amount in minor units."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount_minor: int
    vat_rate: Decimal
    vat_category: str
    vat_reason: str | None
    net_minor: int


@dataclass(frozen=True, slots=True)
class Extras:
    """What is shown of an invoice beside its standing; instants in UTC.

    `overpaid_minor` is the unapplied rest, in its currency, of the payments that are meant for it
    last of all and without limit: so each cent is shown once.
    """

    id: int
    external_id: str | None
    created_at: datetime
    updated_at: datetime
    overpaid_minor: int


def draft(books: Books, new: Draft) -> int:
    """Stores a draft; answers its row number. Refused: unknown client, used id, senseless lines."""
    totals = total(new.lines, new.currency)
    if clients.find(books, new.client_id) is None:
        raise Refused("unknown_client", "clientId names no client")
    check_dates(new.issue_on, new.due_on)
    id_ = books.value(
        "INSERT INTO invoices (client_id, external_id, currency, issue_on, due_on, total_minor)"
        " VALUES (:client_id, :external_id, :currency, :issue_on, :due_on, :total)"
        " ON CONFLICT DO NOTHING RETURNING id",
        client_id=new.client_id,
        external_id=new.external_id,
        currency=new.currency,
        issue_on=new.issue_on,
        due_on=new.due_on,
        total=totals.total.minor,
    )
    if id_ is None:
        raise Refused("already_exists", "an invoice with this externalId exists already")
    _write_lines(books, int(id_), new.lines, totals)
    return int(id_)


def check_dates(issue_on: date | None, due_on: date | None) -> None:
    """Refuses a due day before the issue day, or one that only a mistake can produce."""
    if issue_on and due_on and due_on < issue_on:
        raise Refused("malformed_dates", "dueDate is not before issueDate")
    if max(issue_on or date.min, due_on or date.min) >= _FAR:
        raise Refused("malformed_dates", f"dates are before {_FAR}")


def find(books: Books, invoice_id: int) -> Standing | None:
    """What the books say of the invoice, or None. Locks nothing."""
    return books.row(
        standing,
        f"SELECT {STANDING_COLUMNS} FROM invoices WHERE id = :id",  # noqa: S608 - a constant
        id=invoice_id,
    )


def find_by_number(books: Books, number: str) -> Standing | None:
    """The issued or void invoice with this number, or None."""
    return books.row(
        standing,
        f"SELECT {STANDING_COLUMNS} FROM invoices WHERE number = :number",  # noqa: S608
        number=number,
    )


# The words of `domain.invoices.status`, each as a search can find it.
_OPEN = "is_open"
_CLOSED = "state = 'issued' AND NOT is_open"
_RECEIVED = "paid_minor + settled_before_minor > 0"
_UNTOUCHED = "paid_minor + settled_before_minor = 0"
_STATUSES = {
    Status.VOID: "state = 'void'",
    Status.DRAFT: "state = 'draft'",
    Status.CLOSED: f"{_CLOSED} AND {_UNTOUCHED}",
    Status.PAID: f"{_CLOSED} AND {_RECEIVED}",
    Status.PARTIALLY_PAID: f"{_OPEN} AND {_RECEIVED}",
    Status.OVERDUE: f"{_OPEN} AND {_UNTOUCHED} AND due_on < :today",
    Status.SENT: f"{_OPEN} AND {_UNTOUCHED} AND due_on >= :today",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which invoices are asked for; None: all. A status is that of the local day `today`."""

    client_id: int | None = None
    number: str | None = None
    status: Status | None = None
    today: date = date.max


def page(books: Books, wanted: Wanted, *, after: int, most: int) -> list[Standing]:
    """Invoices with a row number above `after`, in that order, as far as they are wanted."""
    has_status = _STATUSES[wanted.status] if wanted.status else "true"
    return books.rows(
        standing,
        f"SELECT {STANDING_COLUMNS} FROM invoices"  # noqa: S608 - constants
        " WHERE id > :after AND (CAST(:client AS bigint) IS NULL OR client_id = :client)"
        f" AND (CAST(:number AS text) IS NULL OR number = :number) AND {has_status}"
        " ORDER BY id LIMIT :most",
        after=after,
        client=wanted.client_id,
        number=wanted.number,
        today=wanted.today,
        most=most,
    )


def extras(books: Books, invoice_ids: list[int]) -> dict[int, Extras]:
    """What is shown beside the standing, by row number."""
    rows = books.rows(
        Extras,
        """
        SELECT i.id, i.external_id, i.created_at, i.updated_at,
               coalesce((SELECT sum(p.unapplied_minor)
                         FROM intents n JOIN payments p ON p.id = n.payment_id
                         WHERE n.invoice_id = i.id AND n.amount_minor IS NULL
                           AND p.currency = i.currency
                           AND NOT EXISTS (SELECT FROM intents later
                                           WHERE later.payment_id = n.payment_id
                                             AND later.position > n.position
                                             AND later.amount_minor IS NULL)), 0)::bigint
        FROM invoices i WHERE i.id = ANY (CAST(:ids AS bigint[]))
        """,
        ids=invoice_ids,
    )
    return {row.id: row for row in rows}


def lines(books: Books, invoice_id: int) -> list[LineRow]:
    """The lines in their order."""
    return books.rows(
        LineRow,
        "SELECT description, quantity, unit, unit_price, discount_minor, vat_rate, vat_category,"
        " vat_reason, net_minor FROM invoice_lines WHERE invoice_id = :id ORDER BY position",
        id=invoice_id,
    )


def _write_lines(books: Books, invoice_id: int, lines: tuple[Line, ...], totals: Totals) -> None:
    names = (
        *("positions", "descriptions", "quantities", "units", "prices", "discounts", "rates"),
        *("categories", "reasons", "nets"),
    )
    rows = [
        (
            *(position, line.description, line.quantity, line.unit, line.unit_price),
            *(line.discount.minor, line.vat_rate, line.vat_category.value, line.vat_reason),
            net.minor,
        )
        for position, (line, net) in enumerate(zip(lines, totals.nets, strict=True), start=1)
    ]
    books.run(
        """
        INSERT INTO invoice_lines (invoice_id, position, description, quantity, unit, unit_price,
                                   discount_minor, vat_rate, vat_category, vat_reason, net_minor)
        SELECT :invoice_id, * FROM unnest(
            CAST(:positions AS integer[]), CAST(:descriptions AS text[]),
            CAST(:quantities AS numeric[]), CAST(:units AS text[]), CAST(:prices AS numeric[]),
            CAST(:discounts AS bigint[]), CAST(:rates AS numeric[]), CAST(:categories AS text[]),
            CAST(:reasons AS text[]), CAST(:nets AS bigint[]))
        """,
        invoice_id=invoice_id,
        **columns(rows, names),
    )
