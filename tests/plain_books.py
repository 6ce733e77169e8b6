"""Books of plain values: the fold posts into them, and finds there what it posted when asked again.

A page is one state of such books, a value: telling it a fact makes another page. Postings are
numbered anew on every page, so that two orders that led to the same books are the same page.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from domain.allocation import Holding, Intent, can_take
from domain.attention import AttentionKind
from domain.balance import balance_minor
from domain.facts import Fact, Move, Status, join
from domain.invoices import Standing, status
from domain.postings import Posted, Posting, PostingKind
from domain.settlement import KnownFact, settle
from domain.trial import Changes, Extract, Trial
from tests.builders import TODAY, ZONE, a_holding

Seen = tuple[AttentionKind, str]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Page:
    """Facts by payment, sorted; payments and invoices in the order of their ids, from 1.

    `intents` has what each payment is meant for, as soon as a report named it or a person said it.
    `seen` is what the last fact told showed to a person.
    """

    facts: tuple[tuple[Fact, ...], ...]
    payments: tuple[Holding, ...]
    invoices: tuple[Standing, ...]
    intents: tuple[tuple[Intent, ...], ...]
    posted: tuple[Posted, ...] = ()
    seen: tuple[Seen, ...] = field(default=(), compare=False)

    def payment(self, id_: int) -> Holding:
        return self.payments[id_ - 1]

    def invoice(self, id_: int) -> Standing:
        return self.invoices[id_ - 1]


def a_page(*invoices: Standing, payments: int = 1) -> Page:
    """Books where nothing was told yet."""
    return Page(
        facts=((),) * payments,
        payments=tuple(a_holding(id_=n) for n in range(1, payments + 1)),
        invoices=invoices,
        intents=((),) * payments,
    )


def tell(page: Page, *told: Fact, payment: int = 1) -> Page:
    """The page after one batch of facts about one payment; nothing is posted before money came."""
    known = {fact.key: fact for fact in page.facts[payment - 1]}
    for fact in told:
        known[fact.key] = join(known[fact.key], fact) if fact.key in known else fact
    facts = tuple(known[key] for key in sorted(known))
    page = replace(page, facts=_at(page.facts, payment, facts), seen=())
    if not any(_is_arrival(fact) for fact in facts):
        return page
    return _settled(_noted(page, payment, facts), payment)


def check(page: Page) -> None:
    """The laws: no cent lost or made, nothing below zero, no credit beside an open invoice."""
    given: dict[int, int] = defaultdict(int)
    paid: dict[int, int] = defaultdict(int)
    for each in page.posted:
        if each.kind is PostingKind.ALLOCATE:
            assert each.invoice_id is not None
            given[each.payment_id] += each.left_minor
            paid[each.invoice_id] += each.left_minor
    for payment in page.payments:
        kept = given[payment.id] + payment.unapplied_minor + payment.unidentified_minor
        assert payment.received_minor + payment.lost_minor == kept + payment.returned_minor
        assert min(payment.unapplied_minor, payment.unidentified_minor, payment.lost_minor) >= 0
        meant = page.intents[payment.id - 1]
        assert not (meant and payment.unidentified_minor)
        assert not (payment.unapplied_minor and any(_is_idle(page, each) for each in meant))
    for invoice in page.invoices:
        assert invoice.paid_minor == paid[invoice.id]
        assert invoice.settled_minor <= invoice.total_minor
        assert min(invoice.paid_minor, invoice.credited_minor, invoice.written_off_minor) >= 0


def _is_idle(page: Page, intent: Intent) -> bool:
    """Whether money that is left could be applied by this intent: nothing may be left then."""
    payment, invoice = page.payment(intent.payment_id), page.invoice(intent.invoice_id)
    return intent.amount_minor is None and invoice.is_open and can_take(invoice, payment)


def end(page: Page) -> object:
    """What no order may change: by payment what moved, by invoice where it stands, the credit."""
    payments = tuple((p.received_minor, p.returned_minor, p.lost_minor) for p in page.payments)
    invoices = tuple(
        (
            invoice.paid_minor,
            status(invoice, TODAY).value,
            _is_held(page, invoice),
            balance_minor(invoice, _overpaid_minor(page, invoice)),
        )
        for invoice in page.invoices
    )
    credit_minor = sum(p.unapplied_minor for p in page.payments)
    return payments, invoices, credit_minor, sum(p.unidentified_minor for p in page.payments)


def _is_held(page: Page, invoice: Standing) -> bool:
    """Money went back from a payment meant for it, and it is owed: nobody is chased for it."""
    returned = any(p.returned_minor for p in page.payments if _is_meant(page, p, invoice))
    return invoice.is_open and returned


def _overpaid_minor(page: Page, invoice: Standing) -> int:
    return sum(p.unapplied_minor for p in page.payments if _is_meant(page, p, invoice))


def _is_meant(page: Page, payment: Holding, invoice: Standing) -> bool:
    return any(each.invoice_id == invoice.id for each in page.intents[payment.id - 1])


def _is_arrival(fact: Fact) -> bool:
    return fact.key.move is Move.IN and fact.status is Status.SUCCEEDED


def _noted(page: Page, payment: int, facts: Sequence[Fact]) -> Page:
    """The first invoice ever named for a payment that has arrived has its money."""
    named = sorted({name for fact in facts for name in fact.meant_for})
    is_said = page.payment(payment).is_meaning_said
    if is_said or page.intents[payment - 1] or not named:
        return page
    (invoice,) = (each for each in page.invoices if each.number == named[0])
    meant = (Intent(payment, 0, invoice.id, None),)
    return replace(page, intents=_at(page.intents, payment, meant))


def _settled(page: Page, payment: int) -> Page:
    known = [KnownFact(n, fact) for n, fact in enumerate(page.facts[payment - 1], 1)]
    changes = settle(_extract(page, _company(page, payment)), {payment: known}, ZONE)
    seen = tuple((each.kind, each.subject) for each in changes.attention)
    return replace(_changed(page, changes), seen=seen)


def act(page: Page, deed: Callable[[Trial], object]) -> Page:
    """The page after an act of a person, who has all of the books in hand."""
    trial = Trial(_extract(page, page.payments))
    deed(trial)
    intents = tuple(tuple(trial.intents(payment.id)) for payment in page.payments)
    return replace(_changed(page, trial.changes(())), intents=intents)


def _changed(page: Page, changes: Changes) -> Page:
    payments = {each.id: each for each in (*page.payments, *changes.payments)}
    invoices = {each.id: each for each in (*page.invoices, *changes.invoices)}
    return replace(
        page,
        payments=tuple(payments.values()),
        invoices=tuple(invoices.values()),
        posted=_posted(page.posted, changes.postings),
    )


def _company(page: Page, payment: int) -> Sequence[Holding]:
    """The payment, and the others with money left that are meant for the same invoices."""
    meant = {each.invoice_id for each in page.intents[payment - 1]}
    posted = (each for each in page.posted if each.payment_id == payment)
    meant |= {each.invoice_id for each in posted if each.invoice_id is not None}
    return [
        other
        for other in page.payments
        if other.id == payment
        or (
            other.unapplied_minor
            and meant & {each.invoice_id for each in page.intents[other.id - 1]}
        )
    ]


def _extract(page: Page, payments: Sequence[Holding]) -> Extract:
    posted: dict[int, list[Posted]] = defaultdict(list)
    for each in page.posted:
        posted[each.payment_id].append(each)
    intents = {payment: meant for payment, meant in enumerate(page.intents, 1) if meant}
    return Extract(payments, intents, {each.id: each for each in page.invoices}, posted)


def _posted(posted: Sequence[Posted], postings: Sequence[Posting]) -> tuple[Posted, ...]:
    taken: dict[int, int] = defaultdict(int)
    fresh = []
    for posting in postings:
        if posting.payment_id is None:
            continue  # of an invoice alone: its standing tells it
        if posting.reverses is None:
            fresh.append(posting)
        else:
            taken[posting.reverses] += posting.money.minor
    left = [each._replace(left_minor=each.left_minor - taken[each.id]) for each in posted]
    assert all(each.left_minor >= 0 for each in left), "more taken back than was posted"
    kept = [*(each for each in left if each.left_minor), *map(_fresh, fresh)]
    return tuple(each._replace(id=number) for number, each in enumerate(kept, 1))


def _fresh(posting: Posting) -> Posted:
    assert posting.payment_id is not None
    return Posted(
        0,
        posting.payment_id,
        posting.kind,
        posting.source,
        posting.destination,
        posting.invoice_id,
        posting.money.minor,
    )


def _at(values: tuple[Value, ...], place: int, value: Value) -> tuple[Value, ...]:
    return (*values[: place - 1], value, *values[place:])
