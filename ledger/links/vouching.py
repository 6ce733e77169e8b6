"""Whether an attempt of ours is what a delivery says, for gateways whose word proves no sender."""

from domain.money import Money
from ledger.line import Line

_PATIENCE_SECONDS = 3.0

_IS_OURS = """
SELECT EXISTS (SELECT FROM attempts
               WHERE (gateway, account, order_id) = (%(gateway)s, %(account)s, %(order_id)s)
                 AND (currency, amount_minor) = (%(currency)s, %(minor)s))
"""


class Vouching:
    """A line of its own, as the intake stands in an event loop."""

    def __init__(self, dsn: str) -> None:
        self._line = Line(dsn)

    async def is_ours(self, gateway: str, account: str, order_id: str, money: Money) -> bool:
        """Whether we asked for this amount under this order id, however it went on.

        TryLater when the database does not answer.
        """
        if "\0" in order_id:
            return False
        asked = {
            "gateway": gateway,
            "account": account,
            "order_id": order_id,
            "currency": money.currency,
            "minor": money.minor,
        }
        rows = await self._line.within(_PATIENCE_SECONDS, self._line.rows(_IS_OURS, asked))
        return bool(rows[0][0])

    async def close(self) -> None:
        """Gives the connection back."""
        await self._line.close()
