"""The fold: from what the facts say and what the books hold, the difference that is still to post.

It asks only for the difference, so settling the same facts again changes nothing, and facts that
come late, twice or in another order need no code of their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from domain import returns
from domain.allocation import Holding, Intent, allocate
from domain.attention import Attention, AttentionKind
from domain.facts import Fact, Move, Status
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import (
    INVOICE,
    PAYMENT,
    UNIDENTIFIED,
    Posted,
    Posting,
    PostingKind,
    outside,
)


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact with the number of its row."""

    id: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class Extract:
    """The part of the books that a batch touches, as it stands under its locks.

    Every payment with a fact that changed, and every other one that has money for the same
    invoices; their intents, their invoices, and their postings as far as nothing reversed them.
    """

    payments: Sequence[Holding]
    intents: Mapping[int, Sequence[Intent]]
    invoices: Mapping[int, Standing]
    posted: Mapping[int, Sequence[Posted]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written: postings, the totals they lead to, and what a person should see."""

    postings: tuple[Posting, ...]
    payments: tuple[Holding, ...]
    invoices: tuple[Standing, ...]
    attention: tuple[Attention, ...]


def settle(extract: Extract, facts: Mapping[int, Sequence[KnownFact]], zone: ZoneInfo) -> Changes:
    """The changes that bring the books in line with the facts of each payment, by payment id.

    First everything that moved is booked, payment by payment; only then is money applied, so that
    what one refund freed is there for another payment. `zone` is the seller's: a fact is effective
    on its local day there.
    """
    trial = _Trial(extract)
    causes = {payment_id: _cause(known, zone) for payment_id, known in facts.items()}
    for payment_id in sorted(facts):
        _book(trial, payment_id, facts[payment_id], causes[payment_id], zone)
    latest_on = max((cause.on for cause in causes.values()), default=date.min)
    for payment_id in sorted(trial.holdings):
        cause = causes.get(payment_id)
        trial.apply(payment_id, cause.on if cause else latest_on)
    payments = [new for id_, new in trial.holdings.items() if new is not trial.before[id_]]
    changed = [new for id_, new in trial.invoices.items() if new is not extract.invoices[id_]]
    return Changes(
        postings=tuple(trial.postings),
        payments=tuple(payments),
        invoices=tuple(changed),
        attention=tuple(each for payment in payments for each in _seen(trial, payment)),
    )


class _Trial:
    """Payments and invoices while postings are made on them."""

    def __init__(self, extract: Extract) -> None:
        self.before = {payment.id: payment for payment in extract.payments}
        self.holdings = dict(self.before)
        self.invoices = dict(extract.invoices)
        self.postings: list[Posting] = []
        self._extract = extract
        self._applied_minor: dict[int, dict[int, int]] = {
            id_: applied(postings) for id_, postings in extract.posted.items()
        }

    def intents(self, payment_id: int) -> Sequence[Intent]:
        return self._extract.intents.get(payment_id, ())

    def posted(self, payment_id: int) -> Sequence[Posted]:
        return self._extract.posted.get(payment_id, ())

    def post(self, postings: Iterable[Posting]) -> None:
        """Takes postings into the totals of their payment and their invoice."""
        for posting in postings:
            assert posting.payment_id is not None
            self.postings.append(posting)
            self.holdings[posting.payment_id] = _held(self.holdings[posting.payment_id], posting)
            if posting.invoice_id is not None:
                self._pay(posting, posting.invoice_id)

    def apply(self, payment_id: int, on: date) -> None:
        """Applies what a payment has left to what it is meant for."""
        payment = self.holdings[payment_id]
        applied_minor = self._applied_minor.get(payment_id, {})
        self.post(allocate(payment, self.intents(payment_id), self.invoices, applied_minor, on))

    def _pay(self, posting: Posting, invoice_id: int) -> None:
        assert posting.payment_id is not None
        minor = posting.money.minor * _sign(posting, INVOICE)
        invoice = self.invoices[invoice_id]
        self.invoices[invoice_id] = replace(invoice, paid_minor=invoice.paid_minor + minor)
        given = self._applied_minor.setdefault(posting.payment_id, {})
        given[invoice_id] = given.get(invoice_id, 0) + minor


def applied(posted: Iterable[Posted]) -> dict[int, int]:
    """What a payment has given to each invoice and not taken back, in minor units."""
    sums: dict[int, int] = defaultdict(int)
    for each in posted:
        if each.kind is PostingKind.ALLOCATE and each.invoice_id is not None:
            sums[each.invoice_id] += each.left_minor
    return sums


def _book(
    trial: _Trial, payment_id: int, known: Sequence[KnownFact], cause: returns.Cause, zone: ZoneInfo
) -> None:
    """Books what came, what came back and what went back, in this order."""
    payment = trial.holdings[payment_id]
    client_id = _payer(payment, trial.intents(payment_id), trial.invoices)
    trial.post(_receipts(payment, known, client_id, zone))
    flow = returns.outflow([each.fact for each in known], payment.currency)
    posted = trial.posted(payment_id)
    trial.post(returns.come_back(trial.holdings[payment_id], posted, flow, cause))
    trial.post(_assignment(trial.holdings[payment_id], client_id, cause.on))
    trial.post(returns.go_back(trial.holdings[payment_id], posted, flow, cause))


def _seen(trial: _Trial, payment: Holding) -> list[Attention]:
    """What a person should see of a payment that changed."""
    found = unapplied(payment, trial.intents(payment.id), trial.invoices)
    before = trial.before[payment.id]
    if payment.lost_minor > before.lost_minor:
        lost = Money(payment.currency, payment.lost_minor)
        found.append(Attention(AttentionKind.LOSS, f"payment:{payment.id}", lost))
    if payment.returned_minor > before.returned_minor:
        found += _reopened(trial, payment)
    return found


def _reopened(trial: _Trial, payment: Holding) -> list[Attention]:
    """Invoices that are owed again because money went back; nobody is chased without a word."""
    is_dispute = any(
        posting.kind is PostingKind.CHARGEBACK and posting.payment_id == payment.id
        for posting in trial.postings
    )
    invoices = [trial.invoices[intent.invoice_id] for intent in trial.intents(payment.id)]
    return [
        Attention(
            kind=AttentionKind.DISPUTED if is_dispute else AttentionKind.REFUNDED,
            subject=f"invoice:{invoice.id}",
            money=Money(invoice.currency, invoice.open_minor),
        )
        for invoice in invoices
        if invoice.is_open
    ]


def _cause(known: Sequence[KnownFact], zone: ZoneInfo) -> returns.Cause:
    """The last fact told: what follows from a payment's reports is put down to it."""
    latest = max(known, key=lambda each: (each.fact.happened_at, each.id))
    return returns.Cause(latest.fact.happened_at.astimezone(zone).date(), latest.id)


def _payer(
    payment: Holding, intents: Sequence[Intent], invoices: Mapping[int, Standing]
) -> int | None:
    """Whose money it is: once known it stays; else the client of the first invoice it names."""
    if payment.client_id is not None or not intents:
        return payment.client_id
    first = min(intents, key=lambda intent: intent.position)
    return invoices[first.invoice_id].client_id


def _assignment(payment: Holding, client_id: int | None, on: date) -> list[Posting]:
    """Money that waited for its client, once that is known."""
    if client_id is None or not payment.unidentified_minor:
        return []
    return [
        Posting(
            kind=PostingKind.ASSIGN,
            source=UNIDENTIFIED,
            destination=PAYMENT,
            money=Money(payment.currency, payment.unidentified_minor),
            effective_on=on,
            payment_id=payment.id,
            client_id=client_id,
        )
    ]


def _receipts(
    payment: Holding, facts: Sequence[KnownFact], client_id: int | None, zone: ZoneInfo
) -> list[Posting]:
    """What the facts say came in, less what is received; a capture that grew posts its growth."""
    arrived = [known for known in facts if _counts_as_money(known.fact, payment)]
    missing_minor = sum(known.fact.money.minor for known in arrived) - payment.received_minor
    assert missing_minor >= 0, f"payment {payment.id}: received more than any fact says"
    if not missing_minor:
        return []
    latest = max(arrived, key=lambda known: known.fact.happened_at)
    return [
        Posting(
            kind=PostingKind.RECEIVE,
            source=outside(payment.gateway, payment.account),
            destination=UNIDENTIFIED if client_id is None else PAYMENT,
            money=Money(payment.currency, missing_minor),
            effective_on=latest.fact.happened_at.astimezone(zone).date(),
            payment_id=payment.id,
            client_id=client_id,
            fact_id=latest.id,
        )
    ]


def _counts_as_money(fact: Fact, payment: Holding) -> bool:
    """Whether the fact put money on this payment; one in another currency is flagged instead."""
    return (
        fact.key.move is Move.IN
        and fact.status is Status.SUCCEEDED
        and fact.money.currency == payment.currency
    )


_OUTWARD = (PostingKind.REFUND, PostingKind.CHARGEBACK)


def _held(payment: Holding, posting: Posting) -> Holding:
    """The holding after a posting of its own; its client follows from the first that names one."""
    minor = posting.money.minor
    came_from_outside = minor if posting.source.startswith("outside:") else -minor
    return replace(
        payment,
        client_id=payment.client_id if posting.client_id is None else posting.client_id,
        received_minor=payment.received_minor
        + came_from_outside * (posting.kind is PostingKind.RECEIVE),
        unapplied_minor=payment.unapplied_minor + minor * _sign(posting, PAYMENT),
        unidentified_minor=payment.unidentified_minor + minor * _sign(posting, UNIDENTIFIED),
        returned_minor=payment.returned_minor - came_from_outside * (posting.kind in _OUTWARD),
        lost_minor=payment.lost_minor + came_from_outside * (posting.kind is PostingKind.LOSS),
    )


def _sign(posting: Posting, account: str) -> int:
    return (posting.destination == account) - (posting.source == account)


def unapplied(
    payment: Holding, intents: Sequence[Intent], invoices: Mapping[int, Standing]
) -> list[Attention]:
    """Money that arrived but found no open invoice stays with the payment, and a person sees it."""
    rest_minor = payment.unapplied_minor + payment.unidentified_minor
    if not rest_minor:
        return []
    named = [invoices[intent.invoice_id] for intent in intents]
    return [
        Attention(
            kind=_why_unapplied(payment, named),
            subject=f"payment:{payment.id}",
            money=Money(payment.currency, rest_minor),
        )
    ]


def _why_unapplied(payment: Holding, named: Sequence[Standing]) -> AttentionKind:
    if not named:
        return AttentionKind.UNKNOWN_INVOICE
    if any(invoice.currency != payment.currency for invoice in named):
        return AttentionKind.OTHER_CURRENCY
    if any(invoice.state is InvoiceState.VOID for invoice in named):
        return AttentionKind.VOID_INVOICE
    if any(invoice.state is InvoiceState.DRAFT for invoice in named):
        return AttentionKind.DRAFT_INVOICE
    return AttentionKind.OVERPAID
