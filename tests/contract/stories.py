"""What can become of one payment of 121.00, and what the books say after each step.

What a gateway does not tell, its table of capabilities says, and `told` what the books say then.
"""

from decimal import Decimal
from typing import NamedTuple

from gateways.capabilities import Capabilities
from tests.contract.far_side import Act


class Step(NamedTuple):
    """Somebody does it; then so much of the invoice is paid, and these kinds need a person."""

    act: Act
    paid: str
    attention: frozenset[str] = frozenset()
    amount: Decimal | None = None
    is_told: bool = True


Story = tuple[Step, ...]

_REFUNDED = frozenset({"refunded"})
_OPENED = frozenset({"dispute_opened"})
_DISPUTED = frozenset({"dispute_opened", "disputed"})

_PAID = Step(Act.PAY, "121.00")
_WAITS = Step(Act.LEAVE_PENDING, "0.00")
_IN_DISPUTE = (
    _PAID,
    Step(Act.DISPUTE, "121.00", _OPENED, Decimal("30.00")),
    Step(Act.WITHDRAW, "91.00", _DISPUTED),
)

STORIES: dict[str, Story] = {
    "paid": (_PAID,),
    "a part refunded, then the rest": (
        _PAID,
        Step(Act.REFUND, "81.00", _REFUNDED, Decimal("40.00")),
        Step(Act.REFUND, "0.00", _REFUNDED),
    ),
    "refunded whole": (_PAID, Step(Act.REFUND, "0.00", _REFUNDED)),
    "declined, then paid": (Step(Act.DECLINE, "0.00"), _PAID),
    "pending, then paid": (_WAITS, Step(Act.COMPLETE, "121.00")),
    "pending, then failed": (_WAITS, Step(Act.FAIL, "0.00")),
    "disputed and won": (*_IN_DISPUTE, Step(Act.WIN, "121.00", _OPENED)),
    "disputed and lost": (*_IN_DISPUTE, Step(Act.LOSE, "91.00", _DISPUTED)),
}

_OF_DISPUTES = (Act.DISPUTE, Act.WITHDRAW, Act.WIN, Act.LOSE)


def told(story: Story, table: Capabilities) -> Story:
    """The story as far as a gateway with this table tells it: of the rest nobody hears."""
    heard: list[Step] = []
    for step in story:
        if step.act in _OF_DISPUTES and not table.tells_disputes:
            heard.append(heard[-1]._replace(act=step.act, amount=step.amount, is_told=False))
        else:
            heard.append(step)
    return tuple(heard)
