"""Fees: what a gateway keeps for itself of the money it moved, and what it gives back of that.

They move between two accounts outside: no payment has less of them, and no invoice is paid less.
"""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from domain.allocation import Holding
from domain.facts import Fact, Move, Status
from domain.money import Money
from domain.postings import FEES, Posted, Posting, PostingKind, outside


def book(
    payment: Holding,
    facts: Iterable[tuple[int, Fact]],
    posted: Sequence[Posted],
    zone: ZoneInfo,
) -> list[Posting]:
    """The difference between what each fee, by the number of its fact, is and what is posted of it.

    In the currency of the fee, which is that of the seller's balance.
    """
    return [
        posting
        for fact_id, fact in facts
        if fact.status is Status.SUCCEEDED
        for posting in _difference(payment, fact_id, fact, posted, zone)
    ]


def _difference(
    payment: Holding, fact_id: int, fact: Fact, posted: Sequence[Posted], zone: ZoneInfo
) -> list[Posting]:
    own = [each for each in posted if (each.kind, each.fact_id) == (PostingKind.FEE, fact_id)]
    missing_minor = fact.money.minor - sum(each.left_minor for each in own)
    gateways = outside(payment.gateway, payment.account)
    is_kept = fact.key.move is Move.FEE
    source, destination = (FEES, gateways) if is_kept else (gateways, FEES)
    day = fact.happened_at.astimezone(zone).date()

    def posting(source: str, destination: str, minor: int, reverses: int | None) -> Posting:
        return Posting(
            kind=PostingKind.FEE,
            source=source,
            destination=destination,
            money=Money(fact.money.currency, minor),
            effective_on=day,
            payment_id=payment.id,
            client_id=payment.client_id,
            fact_id=fact_id,
            reverses=reverses,
        )

    if missing_minor > 0:
        return [posting(source, destination, missing_minor, None)]
    opposites = []
    for each in sorted(own, key=lambda each: -each.id):
        taken_minor = min(-missing_minor, each.left_minor)
        if taken_minor:
            missing_minor += taken_minor
            opposites.append(posting(destination, source, taken_minor, each.id))
    return opposites
