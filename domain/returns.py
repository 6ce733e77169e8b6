"""Money that went back: by refund or chargeback, and again to us when that failed or was won.

Only the difference between what the facts say and what is posted moves. What goes back comes from
unidentified or unapplied money first, then from the newest allocation; what goes back beyond what
ever came is a loss, taken back first when money returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.allocation import Holding
from domain.facts import Fact, FactClass, Move, Status
from domain.money import Money
from domain.postings import LOSS, PAYMENT, UNIDENTIFIED, Posted, Posting, PostingKind, outside


@dataclass(frozen=True, slots=True)
class Outflow:
    """What the facts say went back and stayed there, in minor units of the payment's currency."""

    refunded_minor: int
    charged_back_minor: int

    @property
    def total_minor(self) -> int:
        return self.refunded_minor + self.charged_back_minor


@dataclass(frozen=True, slots=True)
class Cause:
    """What the postings of a return carry: the local day and the fact that moved them.

    No fact: a person did.
    """

    on: date
    fact_id: int | None


def outflow(facts: Sequence[Fact], currency: str) -> Outflow:
    """What went back, net of chargebacks that were reinstated.

    A reinstatement that is told before its chargeback takes nothing off a refund.
    """
    sums = {FactClass.REFUND: 0, FactClass.CHARGEBACK: 0, FactClass.PAYMENT: 0}
    for fact in facts:
        counts = fact.status is Status.SUCCEEDED and fact.money.currency == currency
        if counts and fact.key.move is Move.OUT:
            sums[fact.fact_class] += fact.money.minor
        if counts and fact.key.move is Move.BACK:
            sums[FactClass.CHARGEBACK] -= fact.money.minor
    return Outflow(
        refunded_minor=sums[FactClass.REFUND] + sums[FactClass.PAYMENT],
        charged_back_minor=max(0, sums[FactClass.CHARGEBACK]),
    )


def come_back(
    payment: Holding, posted: Sequence[Posted], flow: Outflow, cause: Cause
) -> list[Posting]:
    """Opposites for what went back by the books but, by the facts, did not stay there."""
    postings: list[Posting] = []
    for kind, target_minor in _targets(flow):
        postings += opposites(payment, posted, kind, booked(posted, kind) - target_minor, cause)
    lost_minor = max(0, flow.total_minor - payment.received_minor)
    surplus_minor = booked(posted, PostingKind.LOSS) - lost_minor
    return postings + opposites(payment, posted, PostingKind.LOSS, surplus_minor, cause)


def go_back(
    payment: Holding, posted: Sequence[Posted], flow: Outflow, cause: Cause
) -> list[Posting]:
    """Postings for what went back by the facts and not yet by the books.

    A loss makes up for money on the account it went from: nobody's, while no client is known.
    """
    lost_minor = _missing_loss_minor(payment, posted, flow)
    account = UNIDENTIFIED if payment.client_id is None else PAYMENT
    postings = losses(payment, account, lost_minor, cause)
    growth = {
        kind: max(0, target_minor - booked(posted, kind)) for kind, target_minor in _targets(flow)
    }
    at_hand_minor = payment.unidentified_minor + payment.unapplied_minor + lost_minor
    missing_minor = sum(growth.values()) - at_hand_minor
    postings += opposites(payment, posted, PostingKind.ALLOCATE, missing_minor, cause)
    unidentified_minor = payment.unidentified_minor + lost_minor * (account == UNIDENTIFIED)
    for kind, grown_minor in growth.items():
        first_minor = min(grown_minor, unidentified_minor)
        unidentified_minor -= first_minor
        postings += _outs(payment, kind, UNIDENTIFIED, first_minor, cause)
        postings += _outs(payment, kind, PAYMENT, grown_minor - first_minor, cause)
    return postings


def own_losses(
    payment: Holding, posted: Sequence[Posted], client_id: int, on: date
) -> list[Posting]:
    """Books what was lost of nobody's money, and as much of what went back, as the client's own.

    So a loss of a payment whose client is known never lies where its money does not come.
    """
    cause = Cause(on, None)
    nobodys = [each for each in posted if UNIDENTIFIED in (each.source, each.destination)]
    lost_minor = booked(nobodys, PostingKind.LOSS)
    left_minor, taken = (
        lost_minor,
        opposites(payment, nobodys, PostingKind.LOSS, lost_minor, cause),
    )
    for kind in (PostingKind.CHARGEBACK, PostingKind.REFUND):
        part_minor = min(left_minor, booked(nobodys, kind))
        left_minor -= part_minor
        taken += opposites(payment, nobodys, kind, part_minor, cause)
    owner = payment._replace(client_id=client_id)
    return [*taken, *(_owned(owner, each, cause) for each in taken)]


def _owned(owner: Holding, taken: Posting, cause: Cause) -> Posting:
    """What was taken back from nobody's account, once more, on the payment's own."""
    source = PAYMENT if taken.destination == UNIDENTIFIED else taken.destination
    destination = PAYMENT if taken.source == UNIDENTIFIED else taken.source
    return _posting(owner, taken.kind, source, destination, taken.money.minor, cause)


def _targets(flow: Outflow) -> tuple[tuple[PostingKind, int], ...]:
    return (
        (PostingKind.REFUND, flow.refunded_minor),
        (PostingKind.CHARGEBACK, flow.charged_back_minor),
    )


def booked(posted: Sequence[Posted], kind: PostingKind) -> int:
    """What was posted of a kind and not reversed, in minor units."""
    return sum(each.left_minor for each in posted if each.kind is kind)


def _missing_loss_minor(payment: Holding, posted: Sequence[Posted], flow: Outflow) -> int:
    lost_minor = max(0, flow.total_minor - payment.received_minor)
    return max(0, lost_minor - booked(posted, PostingKind.LOSS))


def losses(payment: Holding, account: str, lost_minor: int, cause: Cause) -> list[Posting]:
    """Makes up on this account for money that is not there; nothing for nothing."""
    if not lost_minor:
        return []
    return [_posting(payment, PostingKind.LOSS, LOSS, account, lost_minor, cause)]


def _outs(
    payment: Holding, kind: PostingKind, source: str, minor: int, cause: Cause
) -> list[Posting]:
    if not minor:
        return []
    destination = outside(payment.gateway, payment.account)
    return [_posting(payment, kind, source, destination, minor, cause)]


def opposites(
    payment: Holding, posted: Sequence[Posted], kind: PostingKind, minor: int, cause: Cause
) -> list[Posting]:
    """Takes `minor` back from the newest postings of a kind; nothing when it is not above zero."""
    postings: list[Posting] = []
    if minor <= 0:
        return postings
    for each in sorted(posted, key=lambda each: -each.id):
        if minor <= 0:
            break
        if each.kind is not kind:
            continue
        taken_minor = min(minor, each.left_minor)
        minor -= taken_minor
        opposite = _posting(payment, kind, each.destination, each.source, taken_minor, cause)
        postings.append(opposite._replace(invoice_id=each.invoice_id, reverses=each.id))
    assert minor <= 0, f"payment {payment.id}: more to take back than was posted"
    return postings


def _posting(
    payment: Holding, kind: PostingKind, source: str, destination: str, minor: int, cause: Cause
) -> Posting:
    return Posting(
        kind=kind,
        source=source,
        destination=destination,
        money=Money(payment.currency, minor),
        effective_on=cause.on,
        payment_id=payment.id,
        client_id=payment.client_id,
        fact_id=cause.fact_id,
    )
