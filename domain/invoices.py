"""Invoices: lines, VAT and totals; what is open; and the status that follows from the books."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from domain.errors import Refused
from domain.money import MOST_MINOR, Money, exponent


class InvoiceState(StrEnum):
    """What is stored; everything else about an invoice's standing is derived."""

    DRAFT = "draft"
    ISSUED = "issued"
    VOID = "void"


class Status(StrEnum):
    """The one word shown for an invoice: the first that holds, in this order."""

    VOID = "void"
    DRAFT = "draft"
    CLOSED = "closed"
    PAID = "paid"
    PARTIALLY_PAID = "partially_paid"
    OVERDUE = "overdue"
    SENT = "sent"


class VatCategory(StrEnum):
    """VAT category codes of EN 16931 (UNTDID 5305)."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE_SCOPE = "O"


MOST_QUANTITY = 10**12
_EXACT = Context(prec=60)  # twelve digits and six decimals, twice: no product is ever cut short


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; `vat_rate` is a percentage, `discount` an amount off the line."""

    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Money
    vat_rate: Decimal
    vat_category: VatCategory
    vat_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the lines add up to; `nets` has the net amount of each line, in line order."""

    nets: tuple[Money, ...]
    net: Money
    vat: Money
    total: Money


class Standing(NamedTuple):
    """What the books say of one invoice. Amounts in minor units of `currency`.

    `settled_before_minor` was paid before the invoice was imported. A draft has no number and no
    dates yet.
    """

    id: int
    client_id: int
    number: str | None
    state: InvoiceState
    currency: str
    issue_on: date | None
    due_on: date | None
    total_minor: int
    paid_minor: int
    credited_minor: int
    written_off_minor: int
    settled_before_minor: int
    reminder_cycle: int

    @property
    def open_minor(self) -> int:
        """What is still owed; nothing on a draft or a void invoice."""
        if self.state is not InvoiceState.ISSUED:
            return 0
        return self.total_minor - self.settled_minor

    @property
    def settled_minor(self) -> int:
        """What of the total is no longer owed, for whatever reason."""
        return (
            self.paid_minor
            + self.credited_minor
            + self.written_off_minor
            + self.settled_before_minor
        )

    @property
    def is_open(self) -> bool:
        """Whether anything is owed."""
        return self.open_minor > 0

    def is_overdue(self, today: date) -> bool:
        """Whether money is owed after its due day; the due day itself is not late."""
        return self.is_open and self.due_on is not None and self.due_on < today


def status(invoice: Standing, today: date) -> Status:
    """The status on a local day; it follows from the books, so no job ever has to flip it."""
    match invoice.state:
        case InvoiceState.VOID:
            return Status.VOID
        case InvoiceState.DRAFT:
            return Status.DRAFT
        case InvoiceState.ISSUED:
            return _issued_status(invoice, today)


def _issued_status(invoice: Standing, today: date) -> Status:
    received = invoice.paid_minor + invoice.settled_before_minor
    if not invoice.is_open:
        return Status.PAID if received else Status.CLOSED
    if received:
        return Status.PARTIALLY_PAID
    return Status.OVERDUE if invoice.is_overdue(today) else Status.SENT


def total(lines: tuple[Line, ...], currency: str) -> Totals:
    """Adds up an invoice as EN 16931 does: lines rounded half up, VAT once per category and rate.

    Lines that make no sense, or a total that is not positive, are refused.
    """
    if not lines:
        raise Refused("no_lines", "an invoice needs at least one line")
    for line in lines:
        _check(line)
    with localcontext(_EXACT):
        nets = tuple(_net(line, currency) for line in lines)
        net = sum(net.minor for net in nets)
        vat = sum(_half_up(minor * rate / 100) for rate, minor in _by_vat(lines, nets))
    if not 0 < net + vat <= MOST_MINOR:
        raise Refused(
            "total_out_of_range",
            "the total of an invoice is positive and at most ten thousand billion minor units;"
            " what goes back to a client is a credit note",
        )
    return Totals(nets, Money(currency, net), Money(currency, vat), Money(currency, net + vat))


def _check(line: Line) -> None:
    if not 0 < line.quantity < MOST_QUANTITY or not 0 <= line.unit_price < MOST_QUANTITY:
        raise Refused(
            "malformed_line",
            f"a line has a positive quantity and no negative price, both below {MOST_QUANTITY}",
        )
    if max(_digits(line.quantity), _digits(line.unit_price)) > 6 or _digits(line.vat_rate) > 2:
        raise Refused(
            "malformed_line",
            "quantity and price have at most six decimals, a VAT rate at most two",
        )
    has_rate = line.vat_category is VatCategory.STANDARD
    if has_rate != (line.vat_rate > 0) or not 0 <= line.vat_rate <= 100:
        raise Refused(
            "malformed_vat",
            "VAT category S has a rate above 0 and at most 100, every other category the rate 0",
        )
    needs_reason = line.vat_category not in (VatCategory.STANDARD, VatCategory.ZERO)
    if needs_reason and not line.vat_reason:
        raise Refused("malformed_vat", f"VAT category {line.vat_category} needs a vatReason")


def _net(line: Line, currency: str) -> Money:
    gross = _half_up((line.quantity * line.unit_price).scaleb(exponent(currency)))
    if line.discount.minor > gross:
        raise Refused("malformed_line", "a discount is at most what its line costs")
    return Money(currency, gross - line.discount.minor)


def _by_vat(lines: tuple[Line, ...], nets: tuple[Money, ...]) -> list[tuple[Decimal, int]]:
    """The taxable sum of each category and rate, as (rate, net in minor units)."""
    parts = sorted(
        (line.vat_category, line.vat_rate, net.minor) for line, net in zip(lines, nets, strict=True)
    )
    return [
        (rate, sum(minor for *_, minor in group))
        for (_, rate), group in groupby(parts, key=lambda part: part[:2])
    ]


def _digits(value: Decimal) -> int:
    """How many decimals the value is written with."""
    power = value.as_tuple().exponent
    assert isinstance(power, int), "parsed amounts are finite"
    return -power


def _half_up(minor: Decimal) -> int:
    return int(minor.quantize(Decimal(1), rounding=ROUND_HALF_UP))
