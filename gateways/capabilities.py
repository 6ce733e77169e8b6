"""What a gateway can do at all, as a table: workers ask it, and the contract's tests hold it."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """A call that not every gateway has; named as `Gateway` names it."""

    HOSTED_LINK = "hosted_link"
    EXPIRE = "expire"
    CAPTURE = "capture"
    LOOKUP = "lookup"
    REPORTED = "reported"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One gateway's table, as it is configured: without a key nothing can be asked.

    A verb that is not in `verbs` raises Refused("unsupported") and calls nobody. `is_proof`: the
    signature binds the body, so what a delivery tells is settled; else it is a hint, and what
    settles is the answer. `tells_fees`, `tells_parts`, `tells_disputes`: what the gateway kept, a
    refund of a part, and money that a dispute moved, each reaches us as a fact of its own.
    """

    verbs: frozenset[Verb]
    is_proof: bool
    tells_fees: bool
    tells_parts: bool
    tells_disputes: bool

    def can(self, verb: Verb) -> bool:
        """Whether the gateway has this verb."""
        return verb in self.verbs
