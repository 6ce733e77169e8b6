"""Hosted links: the token that opens one, what its page may say, and how much may be paid by it."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.money import Money, exponent, parse

# How long a customer has at the gateway. Below PayPal's three hours for an order, and far below the
# six hours for which every gateway knows our key again.
SESSION_LIFE = timedelta(hours=2, minutes=45)
# Who comes back to a session has this long to pay; Stripe opens none for less than half an hour.
SHORTEST_REST = timedelta(minutes=10)
SHORTEST_OPENING = timedelta(minutes=35)
# So many sessions one link may open within an hour: more is no customer.
MOST_ATTEMPTS_PER_HOUR = 30


class Fate(StrEnum):
    """What became of a link itself."""

    OPEN = "open"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Saying(StrEnum):
    """The one thing a page says: the first that holds, in this order."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    PROCESSING = "processing"
    PAYABLE = "payable"
    FAILED = "failed"
    PAID = "paid"
    CLOSED = "closed"


class AttemptState(StrEnum):
    """How far a customer's attempt to pay has come."""

    OPEN = "open"
    PENDING = "pending"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# Nobody pays there any more.
ENDED = frozenset((AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CANCELLED))


@dataclass(frozen=True, slots=True)
class Link:
    """A hosted link. `invoice_id` of None: all that its client owes. Instants are aware.

    `expires_at` of None: it lasts. `takes_parts`: less than what is owed may be paid.
    """

    id: int
    client_id: int
    invoice_id: int | None
    version: int
    takes_parts: bool
    expires_at: datetime | None
    revoked_at: datetime | None

    def fate(self, version: int, now: datetime) -> Fate:
        """What became of the link as a token of this version knows it."""
        if self.revoked_at is not None or version != self.version:
            return Fate.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return Fate.EXPIRED
        return Fate.OPEN


def token(secret: bytes, link_id: int, version: int) -> str:
    """The token of a link: 43 signs that nobody can guess, and that we can always say again."""
    told = f"incasso pay link {link_id} {version}".encode()
    return urlsafe_b64encode(hmac.digest(secret, told, "sha256")).rstrip(b"=").decode()


def fingerprint(token: str) -> bytes:
    """What is stored of a token. Looking for a hash leaks nothing of the token by its duration."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice that a link shows, with the customer's attempts at it, the newest first."""

    invoice: Standing
    attempts: tuple[AttemptState, ...] = ()

    @property
    def is_paid(self) -> bool:
        """Whether money has closed it; not a credit note or a write-off alone."""
        received_minor = self.invoice.paid_minor + self.invoice.settled_before_minor
        is_issued = self.invoice.state is InvoiceState.ISSUED
        return is_issued and received_minor > 0 and not self.invoice.is_open

    @property
    def is_processing(self) -> bool:
        """Whether the gateway says that money is on its way: nobody is asked to pay twice."""
        return self.invoice.is_open and AttemptState.PENDING in self.attempts

    @property
    def is_payable(self) -> bool:
        """Whether it is to be paid now."""
        return self.invoice.is_open and not self.is_processing

    @property
    def is_awaited(self) -> bool:
        """Whether the customer was at a gateway last, and nobody has told yet what came of it."""
        return self.invoice.is_open and self.attempts[:1] == (AttemptState.OPEN,)


def saying(fate: Fate, bills: Sequence[Bill], *, is_back: bool = False) -> Saying:
    """What the page says, from the books alone.

    No bills: nothing is owed any more. `is_back`: the customer comes back from a gateway, so money
    may be on its way that nobody has told of yet. That he comes back proves nothing. A session may
    outlast its link: who paid there is not sent for a new one.
    """
    is_over = not any(bill.invoice.is_open for bill in bills)
    is_on_its_way = is_back and any(bill.is_awaited or bill.is_processing for bill in bills)
    if fate is Fate.REVOKED or (fate is Fate.EXPIRED and not is_over and not is_on_its_way):
        return Saying(fate.value)
    if is_over:
        is_paid = not bills or any(bill.is_paid for bill in bills)
        return Saying.PAID if is_paid else Saying.CLOSED
    if is_on_its_way:
        return Saying.PROCESSING
    payable = [bill for bill in bills if bill.is_payable]
    if not payable:
        return Saying.PROCESSING
    has_failed = any(bill.attempts[:1] == (AttemptState.FAILED,) for bill in payable)
    return Saying.FAILED if has_failed else Saying.PAYABLE


def to_pay(owed: Money, part: str | None, *, takes_parts: bool) -> Money:
    """How much a customer is asked for: all that is owed, or the part that he chose.

    A part is as he wrote it, with a point or a comma; where the link takes none it is passed over:
    what a form says is not believed. Refused when it is no amount, nothing, or more than is owed;
    and with more digits than the currency has, noughts or not: 1.190 may be meant for 1190.
    """
    if part is None or not takes_parts:
        return owed
    told = part.strip().replace(",", ".")
    if len(told.partition(".")[2]) > exponent(owed.currency):
        raise Refused("malformed_amount", f"{told[:40]!r} has more digits than {owed.currency} has")
    chosen = parse(told, owed.currency)
    if not 0 < chosen.minor <= owed.minor:
        raise Refused("beyond_open", f"what can be paid is above zero and at most {owed}")
    return chosen


def is_still_good(expires_at: datetime, now: datetime, *, is_opened: bool) -> bool:
    """Whether an attempt can be gone on with: time enough to pay, or to open its session."""
    return expires_at - now >= (SHORTEST_REST if is_opened else SHORTEST_OPENING)
