"""What can become of one payment of 121.00, and what the books say after each step.

They are told as of a gateway that tells everything; `told` is how they go at any other.
"""

from decimal import Decimal
from typing import NamedTuple

from gateways.capabilities import Capabilities, Disputes
from tests.contract.far_side import Act


class Step(NamedTuple):
    """Somebody does it; then so much of the invoice is paid, and these kinds need a person.

    One that is not told makes the gateway say nothing.
    """

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

_DISPUTES = (Act.DISPUTE, Act.WITHDRAW, Act.WIN, Act.LOSE)

# A chargeback is of the whole payment, and its money moves when it is lost.
_LOST: dict[Act, Step] = {
    Act.DISPUTE: Step(Act.DISPUTE, "121.00", _OPENED),
    Act.WITHDRAW: Step(Act.WITHDRAW, "121.00", _OPENED, is_told=False),
    Act.WIN: Step(Act.WIN, "121.00", _OPENED),
    Act.LOSE: Step(Act.LOSE, "0.00", _DISPUTED),
}


def told(story: Story, table: Capabilities) -> Story:
    """The story at a gateway that tells no more than its table says."""
    return tuple(_as_told(step, table) for step in story)


def _as_told(step: Step, table: Capabilities) -> Step:
    if step.act is Act.REFUND and not table.tells_refunds:
        return step._replace(paid="121.00", attention=frozenset({"refund_untold"}))
    if step.act not in _DISPUTES or table.tells_disputes is Disputes.MOVES:
        return step
    if table.tells_disputes is Disputes.LOST:
        return _LOST[step.act]
    return Step(step.act, "121.00", is_told=False)
