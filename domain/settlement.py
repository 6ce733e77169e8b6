"""The fold: from what the facts say and what the books hold, the difference that is still to post.

It asks only for the difference, so settling the same facts again changes nothing, and facts that
come late, twice or in another order need no code of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from domain.allocation import Holding, Intent, allocate
from domain.attention import Attention, AttentionKind
from domain.facts import Fact, Move, Status
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import PAYMENT, UNIDENTIFIED, Posting, PostingKind, outside


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact with the number of its row."""

    id: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class Extract:
    """The part of the books that a batch touches, as it stands under its locks.

    Every payment with a fact that changed, the intents of those payments, every invoice they name,
    and per payment what it has already given to each invoice.
    """

    payments: Sequence[Holding]
    intents: Mapping[int, Sequence[Intent]]
    invoices: Mapping[int, Standing]
    applied_minor: Mapping[int, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written: postings, the totals they lead to, and what a person should see."""

    postings: tuple[Posting, ...]
    payments: tuple[Holding, ...]
    invoices: tuple[Standing, ...]
    attention: tuple[Attention, ...]


def settle(extract: Extract, facts: Mapping[int, Sequence[KnownFact]], zone: ZoneInfo) -> Changes:
    """The changes that bring the books in line with the facts of each payment, by payment id.

    `zone` is the seller's: a fact is effective on its local day there.
    """
    invoices = dict(extract.invoices)
    postings: list[Posting] = []
    payments: list[Holding] = []
    attention: list[Attention] = []
    for payment in sorted(extract.payments, key=lambda payment: payment.id):
        intents = extract.intents.get(payment.id, ())
        known = facts[payment.id]
        moved = _moves(payment, known, _payer(payment, intents, invoices), zone)
        holding = _held(payment, moved)
        allocations = allocate(
            holding,
            intents,
            invoices,
            extract.applied_minor.get(payment.id, {}),
            _arrived_on(known, zone),
        )
        _pay(invoices, allocations)
        if moved or allocations:
            holding = _held(holding, allocations)
            postings += [*moved, *allocations]
            payments.append(holding)
            attention += unapplied(holding, intents, invoices)
    changed = tuple(new for id_, new in invoices.items() if new is not extract.invoices[id_])
    return Changes(tuple(postings), tuple(payments), changed, tuple(attention))


def _payer(
    payment: Holding, intents: Sequence[Intent], invoices: Mapping[int, Standing]
) -> int | None:
    """Whose money it is: once known it stays; else the client of the first invoice it names."""
    if payment.client_id is not None or not intents:
        return payment.client_id
    first = min(intents, key=lambda intent: intent.position)
    return invoices[first.invoice_id].client_id


def _moves(
    payment: Holding, facts: Sequence[KnownFact], client_id: int | None, zone: ZoneInfo
) -> list[Posting]:
    """Money that arrived and is not yet received, then money whose client is now known."""
    postings = _receipts(payment, facts, client_id, zone)
    if client_id is not None and payment.unidentified_minor:
        postings.append(
            Posting(
                kind=PostingKind.ASSIGN,
                source=UNIDENTIFIED,
                destination=PAYMENT,
                money=Money(payment.currency, payment.unidentified_minor),
                effective_on=_arrived_on(facts, zone),
                payment_id=payment.id,
                client_id=client_id,
            )
        )
    return postings


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


def _arrived_on(facts: Sequence[KnownFact], zone: ZoneInfo) -> date:
    """The local day of the last report, for what follows from it."""
    return max(known.fact.happened_at for known in facts).astimezone(zone).date()


def _held(payment: Holding, postings: Iterable[Posting]) -> Holding:
    """The holding after postings of its own; `client_id` follows from the first that names one."""
    for posting in postings:
        minor = posting.money.minor
        payment = replace(
            payment,
            client_id=payment.client_id if posting.client_id is None else posting.client_id,
            received_minor=payment.received_minor + minor * (posting.kind is PostingKind.RECEIVE),
            unapplied_minor=payment.unapplied_minor + minor * _sign(posting, PAYMENT),
            unidentified_minor=payment.unidentified_minor + minor * _sign(posting, UNIDENTIFIED),
        )
    return payment


def _sign(posting: Posting, account: str) -> int:
    return (posting.destination == account) - (posting.source == account)


def _pay(invoices: dict[int, Standing], allocations: Iterable[Posting]) -> None:
    for posting in allocations:
        assert posting.invoice_id is not None
        invoice = invoices[posting.invoice_id]
        invoices[invoice.id] = replace(invoice, paid_minor=invoice.paid_minor + posting.money.minor)


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
