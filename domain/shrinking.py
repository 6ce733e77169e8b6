"""Money that never came: a gateway's answer says that less arrived than a delivery had told.

What was booked of it is taken back from wherever it went since, newest receipt first: out of what
is unapplied, then out of the newest allocation, and what had gone back already is a loss.
"""

from collections.abc import Sequence

from domain.allocation import Holding
from domain.postings import PAYMENT, UNIDENTIFIED, Posted, Posting, PostingKind
from domain.returns import Cause, booked, losses, opposites


def never_came(
    payment: Holding, posted: Sequence[Posted], surplus_minor: int, cause: Cause
) -> list[Posting]:
    """Opposites for `surplus_minor` of what was received; `posted` as nothing has reversed it yet.

    A receipt that went to nobody's money is taken back from there, so its assignment goes first.
    """
    receipts = opposites(payment, posted, PostingKind.RECEIVE, surplus_minor, cause)
    nobodys_minor = sum(each.money.minor for each in receipts if each.source == UNIDENTIFIED)
    missing_minor = max(0, nobodys_minor - payment.unidentified_minor)
    assigned_minor = min(missing_minor, booked(posted, PostingKind.ASSIGN))
    postings = losses(payment, UNIDENTIFIED, missing_minor - assigned_minor, cause)
    own_minor = surplus_minor - nobodys_minor + assigned_minor
    postings += _freed(payment, posted, own_minor - payment.unapplied_minor, cause)
    postings += opposites(payment, posted, PostingKind.ASSIGN, assigned_minor, cause)
    return postings + receipts


def _freed(payment: Holding, posted: Sequence[Posted], minor: int, cause: Cause) -> list[Posting]:
    """Allocations taken back, and a loss for what is not there either."""
    freed_minor = min(max(0, minor), booked(posted, PostingKind.ALLOCATE))
    return [
        *opposites(payment, posted, PostingKind.ALLOCATE, freed_minor, cause),
        *losses(payment, PAYMENT, max(0, minor - freed_minor), cause),
    ]
