"""Money that never came: a gateway's answer says that less arrived than a delivery had told.

What was booked of it is taken back from wherever it went since, newest receipt first: out of what
is unapplied, then out of the newest allocation, and what had gone back already is a loss.
"""

from collections.abc import Sequence

from domain.allocation import Holding
from domain.postings import PAYMENT, UNIDENTIFIED, Posted, Posting, PostingKind
from domain.returns import Cause, booked, losses, opposites


def nobodys(
    payment: Holding, posted: Sequence[Posted], surplus_minor: int, cause: Cause
) -> list[Posting]:
    """Opposites for what still waits for its client; before it is assigned, and gone from there."""
    receipts = [each for each in posted if each.destination == UNIDENTIFIED]
    minor = min(surplus_minor, payment.unidentified_minor)
    return opposites(payment, receipts, PostingKind.RECEIVE, minor, cause)


def never_came(
    payment: Holding, posted: Sequence[Posted], surplus_minor: int, cause: Cause
) -> list[Posting]:
    """Opposites for the rest of what was received too much, once all that went back is booked.

    `posted` is what nothing has reversed by now. A receipt that went to nobody's money is taken
    back from there: its assignment goes first, and what had gone back from there instead is booked
    once more, as the client's own.
    """
    receipts = opposites(payment, posted, PostingKind.RECEIVE, surplus_minor, cause)
    nobodys_minor = sum(each.money.minor for each in receipts if each.source == UNIDENTIFIED)
    missing_minor = max(0, nobodys_minor - payment.unidentified_minor)
    if payment.client_id is None:
        return [*losses(payment, UNIDENTIFIED, missing_minor, cause), *receipts]
    assigned_minor = min(missing_minor, booked(posted, PostingKind.ASSIGN))
    own_minor = surplus_minor - nobodys_minor + missing_minor
    return [
        *_freed(payment, posted, own_minor - payment.unapplied_minor, cause),
        *opposites(payment, posted, PostingKind.ASSIGN, assigned_minor, cause),
        *_owned(payment, posted, missing_minor - assigned_minor, cause),
        *receipts,
    ]


def _freed(payment: Holding, posted: Sequence[Posted], minor: int, cause: Cause) -> list[Posting]:
    """Allocations taken back, and a loss for what is not there either."""
    freed_minor = min(max(0, minor), booked(posted, PostingKind.ALLOCATE))
    return [
        *opposites(payment, posted, PostingKind.ALLOCATE, freed_minor, cause),
        *losses(payment, PAYMENT, max(0, minor - freed_minor), cause),
    ]


def _owned(payment: Holding, posted: Sequence[Posted], minor: int, cause: Cause) -> list[Posting]:
    """What went back from nobody's money, as far as that is missing, on the payment's own."""
    postings: list[Posting] = []
    from_nobody = [each for each in posted if each.source == UNIDENTIFIED]
    for kind in (PostingKind.CHARGEBACK, PostingKind.REFUND):
        part_minor = min(minor, booked(from_nobody, kind))
        minor -= part_minor
        taken = opposites(payment, from_nobody, kind, part_minor, cause)
        again = (
            each._replace(source=PAYMENT, destination=each.source, reverses=None) for each in taken
        )
        postings += [*taken, *again]
    assert not minor, f"payment {payment.id}: more never came than its postings explain"
    return postings
