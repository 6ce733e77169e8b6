"""What a gateway can do at all, as a table: workers ask it, and the contract's tests hold it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Verb(StrEnum):
    """A call that not every gateway has; named as `Gateway` names it."""

    HOSTED_LINK = "hosted_link"
    FORM = "form"
    EXPIRE = "expire"
    CAPTURE = "capture"
    LOOKUP = "lookup"
    REPORTED = "reported"
    EVENT = "event"
    REFUND = "refund"


class Disputes(StrEnum):
    """What a gateway tells of the money in disputes: nothing, or the whole payment once it is lost,
    or each move of whatever part.
    """

    UNTOLD = "untold"
    LOST = "lost"
    MOVES = "moves"


@dataclass(frozen=True, slots=True)
class Door:
    """How a gateway comes to our door, where that is not as most do.

    `has_secret`: its address may go on with a secret. `is_laborious`: what proves a delivery takes
    a private key, and milliseconds. `has_own_words`: whatever is wrong with a request, even its
    method, it wants to hear in its own form.
    """

    has_secret: bool = False
    is_laborious: bool = False
    has_own_words: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One gateway's table, as it is configured: without a key nothing can be asked.

    A verb that is not in `verbs` raises Refused("unsupported") and calls nobody. `is_proof`: the
    signature binds the body, so what a delivery tells is settled; else it is a hint, and what
    settles is the answer. `tells_fees`, `tells_refunds`: what the gateway kept, and a refund that
    was made at the gateway itself, of whatever part, each reaches us as a fact of its own.
    `remembers_refunds` is how long the same key is the same refund there; None: every call is
    another one, so that a lost answer leaves the refund unknown. `names_refunds`: each refund has a
    name of its own in whatever is told of it. `panel` is where a person gives money back by hand.
    `remembers_orders`: the same order again is the same page.
    """

    verbs: frozenset[Verb]
    is_proof: bool
    tells_fees: bool
    tells_refunds: bool
    tells_disputes: Disputes
    door: Door = Door()
    remembers_refunds: timedelta | None = None
    names_refunds: bool = True
    panel: str = "at the gateway's own panel"
    remembers_orders: bool = True

    def can(self, verb: Verb) -> bool:
        """Whether the gateway has this verb."""
        return verb in self.verbs
