"""Values with defaults: a test spells only the fields its law is about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.allocation import Holding, Intent
from domain.facts import Fact, FactClass, FactKey, Move, Report, Status, Trust
from domain.invoices import InvoiceState, Line, Standing, VatCategory
from domain.money import Money, parse
from domain.postings import INVOICE, PAYMENT, Posted, PostingKind
from domain.settlement import KnownFact

ZONE = ZoneInfo("Europe/Bucharest")
TODAY = date(2026, 11, 20)


def at(text: str) -> datetime:
    """An instant in UTC: `at("2026-11-20")` or `at("2026-11-20T10:00")`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ron(text: str) -> Money:
    return parse(text, "RON")


def eur(text: str) -> Money:
    return parse(text, "EUR")


def a_fact(
    money: Money | None = None,
    *,
    reference: str = "pi_1",
    status: Status = Status.SUCCEEDED,
    move: Move = Move.IN,
    item: str = "",
    meant_for: str | None = "INV-0001",
    happened_at: datetime = at("2026-11-20T10:00"),
    fact_class: FactClass = FactClass.PAYMENT,
    trust: Trust = Trust.DELIVERY,
) -> Fact:
    return Fact(
        key=FactKey("stripe", "own/test", reference, move, item),
        status=status,
        fact_class=fact_class,
        money=money or ron("120.00"),
        trust=trust,
        happened_at=happened_at,
        meant_for=(meant_for,) if meant_for else (),
    )


def a_report(money: Money | None = None, *, names: Sequence[str] = (), **fields: object) -> Report:
    return Report(a_fact(money, **fields), tuple(names))  # type: ignore[arg-type]


def a_known(fact: Fact, id_: int = 1) -> KnownFact:
    return KnownFact(id_, fact)


def a_holding(  # a payment with nothing received yet
    *,
    id_: int = 1,
    client_id: int | None = None,
    currency: str = "RON",
    received_minor: int = 0,
    unapplied_minor: int = 0,
    unidentified_minor: int = 0,
    returned_minor: int = 0,
    lost_minor: int = 0,
) -> Holding:
    return Holding(
        id=id_,
        gateway="stripe",
        account="own/test",
        reference=f"pi_{id_}",
        client_id=client_id,
        currency=currency,
        received_minor=received_minor,
        unapplied_minor=unapplied_minor,
        unidentified_minor=unidentified_minor,
        returned_minor=returned_minor,
        lost_minor=lost_minor,
    )


def an_allocation(minor: int, *, id_: int = 1, payment_id: int = 1, invoice_id: int = 1) -> Posted:
    return Posted(id_, payment_id, PostingKind.ALLOCATE, PAYMENT, INVOICE, invoice_id, minor)


def an_intent(
    payment_id: int = 1, invoice_id: int = 1, position: int = 0, amount_minor: int | None = None
) -> Intent:
    return Intent(payment_id, position, invoice_id, amount_minor)


def an_invoice(
    total: Money | None = None,
    *,
    id_: int = 1,
    client_id: int = 1,
    state: InvoiceState = InvoiceState.ISSUED,
    paid_minor: int = 0,
    credited_minor: int = 0,
    written_off_minor: int = 0,
    settled_before_minor: int = 0,
    due_on: date = date(2026, 12, 20),
) -> Standing:
    total = total or ron("120.00")
    return Standing(
        id=id_,
        client_id=client_id,
        number=f"INV-{id_:04d}",
        state=state,
        currency=total.currency,
        issue_on=TODAY,
        due_on=due_on,
        total_minor=total.minor,
        paid_minor=paid_minor,
        credited_minor=credited_minor,
        written_off_minor=written_off_minor,
        settled_before_minor=settled_before_minor,
        reminder_cycle=1,
    )


def a_line(
    unit_price: str = "100",
    *,
    quantity: str = "1",
    discount: Money | None = None,
    vat_rate: str = "21",
    vat_category: VatCategory = VatCategory.STANDARD,
    vat_reason: str | None = None,
) -> Line:
    return Line(
        description="Servicii",
        quantity=Decimal(quantity),
        unit="buc",
        unit_price=Decimal(unit_price),
        discount=discount or ron("0"),
        vat_rate=Decimal(vat_rate),
        vat_category=vat_category,
        vat_reason=vat_reason,
    )
