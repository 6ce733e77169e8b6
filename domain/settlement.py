"""The fold: from what the facts say and what the books hold, the difference that is still to post.

It asks only for the difference, so settling the same facts again changes nothing, and facts that
come late, twice or in another order need no code of their own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain import fees, returns, shrinking
from domain.allocation import Holding, Intent, assign
from domain.attention import Attention, AttentionKind
from domain.facts import Fact, FactClass, Move, Status
from domain.invoices import Standing
from domain.money import Money
from domain.postings import PAYMENT, UNIDENTIFIED, Posting, PostingKind, outside
from domain.trial import Changes, Extract, Trial, unapplied


class KnownFact(NamedTuple):
    """A fact with the number of its row."""

    id: int
    fact: Fact


def settle(extract: Extract, facts: Mapping[int, Sequence[KnownFact]], zone: ZoneInfo) -> Changes:
    """The changes that bring the books in line with the facts of each payment, by payment id.

    First everything that moved is booked, payment by payment; only then is money applied, so that
    what one refund freed is there for another payment. `zone` is the seller's: a fact is effective
    on its local day there.
    """
    trial = Trial(extract)
    causes = {payment_id: _cause(known, zone) for payment_id, known in facts.items()}
    for payment_id in sorted(facts):
        _book(trial, payment_id, facts[payment_id], causes[payment_id], zone)
    latest_on = max((cause.on for cause in causes.values()), default=date.min)
    for payment_id in sorted(trial.holdings):
        cause = causes.get(payment_id)
        trial.apply(payment_id, cause.on if cause else latest_on)
    return trial.changes(each for payment in trial.changed() for each in _seen(trial, payment))


def _book(
    trial: Trial, payment_id: int, known: Sequence[KnownFact], cause: returns.Cause, zone: ZoneInfo
) -> None:
    """Books what came, what came back and what went back, in this order."""
    payment = trial.holdings[payment_id]
    client_id = _payer(payment, trial.intents(payment_id), trial.invoices)
    arrived = [each for each in known if _counts_as_money(each.fact, payment)]
    trial.post(_receipts(payment, arrived, client_id, zone))
    flow = returns.outflow([each.fact for each in known], payment.currency)
    posted = trial.posted(payment_id)
    is_return = bool(flow.total_minor or payment.returned_minor or payment.lost_minor)
    if is_return:
        trial.post(returns.come_back(trial.holdings[payment_id], posted, flow, cause))
    surplus_minor = trial.holdings[payment_id].received_minor - _minor(arrived)
    if surplus_minor > 0:
        trial.post(shrinking.nobodys(trial.holdings[payment_id], posted, surplus_minor, cause))
    if client_id is not None:
        trial.post(assign(trial.holdings[payment_id], client_id, cause.on))
    if is_return:
        trial.post(returns.go_back(trial.holdings[payment_id], posted, flow, cause))
    held = trial.holdings[payment_id]
    surplus_minor = held.received_minor - _minor(arrived)
    if surplus_minor > 0:
        trial.post(shrinking.never_came(held, trial.posted(payment_id), surplus_minor, cause))
    costs = [(each.id, each.fact) for each in known if each.fact.fact_class is FactClass.FEE]
    if costs:
        trial.post(fees.book(trial.holdings[payment_id], costs, posted, zone))


def _seen(trial: Trial, payment: Holding) -> list[Attention]:
    """What a person should see of a payment that changed."""
    found = unapplied(payment, trial.intents(payment.id), trial.invoices)
    before = trial.before[payment.id]
    if payment.lost_minor > before.lost_minor:
        lost = Money(payment.currency, payment.lost_minor)
        found.append(Attention(AttentionKind.LOSS, f"payment:{payment.id}", lost))
    if payment.returned_minor > before.returned_minor:
        found += _reopened(trial, payment)
    return found


def _reopened(trial: Trial, payment: Holding) -> list[Attention]:
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
    moved = [each for each in known if each.fact.fact_class is not FactClass.FEE]
    latest = max(moved, key=lambda each: (each.fact.happened_at, each.id))
    return returns.Cause(latest.fact.happened_at.astimezone(zone).date(), latest.id)


def _payer(
    payment: Holding, intents: Sequence[Intent], invoices: Mapping[int, Standing]
) -> int | None:
    """Whose money it is: once known it stays; else the client of the first invoice it names."""
    if payment.client_id is not None or not intents:
        return payment.client_id
    first = min(intents, key=lambda intent: intent.position)
    return invoices[first.invoice_id].client_id


def _receipts(
    payment: Holding, arrived: Sequence[KnownFact], client_id: int | None, zone: ZoneInfo
) -> list[Posting]:
    """What the facts say came in, less what is received; a capture that grew posts its growth.

    Money joins what came before it: where that waits for a client, and may have gone back and been
    made up for as nobody's, all of it is assigned together.
    """
    missing_minor = _minor(arrived) - payment.received_minor
    if missing_minor <= 0:
        return []
    latest = max(arrived, key=lambda known: known.fact.happened_at)
    if payment.received_minor:
        client_id = payment.client_id
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


def _minor(known: Sequence[KnownFact]) -> int:
    return sum(each.fact.money.minor for each in known)


def _counts_as_money(fact: Fact, payment: Holding) -> bool:
    """Whether the fact put money on this payment; one in another currency is flagged instead."""
    return (
        fact.key.move is Move.IN
        and fact.status is Status.SUCCEEDED
        and fact.money.currency == payment.currency
    )
