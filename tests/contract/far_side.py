"""What a gateway brings along to be held to the contract: itself, its customers, its own ledger.

A further gateway joins by one file with a `Party`, which its table in `PARTIES` names.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateways.port import Gateway
from tests.sandbox.listening import Taken


class Act(StrEnum):
    """What people do at the gateway; the first five the customer, the others seller and bank."""

    PAY = "pay"
    DECLINE = "decline"
    LEAVE_PENDING = "leave-pending"
    COMPLETE = "complete-pending"
    FAIL = "fail-pending"
    REFUND = "refund"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    WIN = "win"
    LOSE = "lose"


class Asked(NamedTuple):
    """What a page asks its customer for, as it is printed there: decimal text and ISO code."""

    amount: str
    currency: str


class Moved(NamedTuple):
    """Of what the gateway's ledger sums up: the payment's name there, and which side it is of.

    `money`, `fees`, or `untold`: what the gateway gave back and tells nobody the amount of.
    """

    reference: str
    currency: str
    side: str


Sums = dict[Moved, Decimal]


class FarSide(Protocol):
    """A pretend gateway with all who are there; a page is the address a customer was sent to."""

    @property
    def gateway(self) -> Gateway:
        """How Incasso is wired to it, door and workers alike."""
        ...

    @property
    def currency(self) -> str:
        """One that customers pay in here."""
        ...

    @property
    def unserved(self) -> str:
        """One that they cannot pay in here."""
        ...

    def asks(self, page: str) -> Asked | None:
        """What the page shows to whoever opens it; None when nobody can pay there any more."""
        ...

    def act(self, page: str, act: Act, amount: Decimal | None = None) -> None:
        """Somebody does it, to the payment of that page; of None: to all that is left of it.

        Nothing happens where the gateway does not let him, or knows of no such thing. It is over
        when this returns, and what it makes the gateway tell is in `sent`.
        """
        ...

    def sent(self) -> list[Taken]:
        """What the gateway has sent since it was last asked for, in order; nobody got it yet."""
        ...

    def double(self) -> None:
        """From now on everything is sent twice, each time signed anew."""
        ...

    def calls(self) -> int:
        """How often Incasso has called."""
        ...

    def pages(self) -> int:
        """How many pages Incasso has opened."""
        ...

    def reference(self, page: str) -> str:
        """The gateway's name for the payment that was made on a page."""
        ...

    def ledger(self) -> Sums:
        """What the gateway itself knows of the money it moved; back from us counts below zero."""
        ...


# Opens a far side of its own, and closes it.
Party = Callable[[], AbstractContextManager[FarSide]]
