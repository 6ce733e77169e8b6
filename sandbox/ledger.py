"""What a pretend gateway itself knows of the money it moved, to compare other books with."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Literal

Move = Literal["in", "out", "back", "fee", "rebate"]


@dataclass(frozen=True, slots=True)
class Row:
    """One move; the amount is above zero, in whole units.

    `reference` is the payment (pi_… or a capture id), `item` what moved it: empty for the payment
    itself, the refund, the dispute with its balance transaction, or a fee's.
    """

    move: Move
    reference: str
    item: str
    currency: str
    amount: Decimal


class Ledger:
    """Rows of one gateway, in the order in which the money moved; none is ever changed."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def write(self, move: Move, reference: str, item: str, currency: str, amount: Decimal) -> None:
        """Keep one move; an amount of nothing is no move."""
        if amount:
            self._rows.append(Row(move, reference, item, currency.upper(), abs(amount)))

    def rows(self) -> tuple[Row, ...]:
        """All of them."""
        return tuple(self._rows)

    def totals(self) -> dict[str, dict[str, Decimal]]:
        """For each currency what came, went, came back, was kept as fee and given back of it."""
        totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in self._rows:
            totals[row.currency][row.move] += row.amount
        return {currency: dict(moves) for currency, moves in totals.items()}

    def kept(self, reference: str) -> Decimal:
        """What the seller has of one payment, fees aside."""
        signs = {"in": 1, "out": -1, "back": 1, "fee": 0, "rebate": 0}
        return sum(
            (signs[row.move] * row.amount for row in self._rows if row.reference == reference),
            Decimal(0),
        )

    def told(self) -> dict[str, object]:
        """As JSON shows it: amounts are decimal text."""
        rows = [{**asdict(row), "amount": str(row.amount)} for row in self._rows]
        totals = {
            currency: {move: str(amount) for move, amount in moves.items()}
            for currency, moves in self.totals().items()
        }
        return {"rows": rows, "totals": totals}
