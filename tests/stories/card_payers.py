"""Customers who pay at pretend NETOPIA by our own links, and money that goes back there."""

from dataclasses import dataclass
from itertools import cycle

import httpx

from sandbox.netopia_account import Status
from sandbox.running import Running
from tests.stories.giving_back import Paid, Story

_OURS, _UNTOLD = 4, 5
_WAYS = cycle(
    [
        ("pay",),
        ("decline", "pay"),
        ("leave-pending", "complete-pending"),
        ("leave-in-review", "complete-pending"),
    ]
)


@dataclass(slots=True)
class CardPayers:
    """`story` is the installation whose links they click."""

    story: Story

    @property
    def sandbox(self) -> Running:
        return self.story.places.sandbox

    def pay(self, count: int) -> None:
        """So many pay, in one way or another; one more fails, and of the last few nothing is told.

        What became of these only whoever asks will know.
        """
        drop = self.sandbox.ask(lambda world: world.netopia.knobs.drop)
        for number in range(count):
            if number == count - _UNTOLD:
                self.sandbox.turn("netopia", drop=1.0)
            self._press(next(_WAYS))
        self._press(("leave-in-review", "fail-pending"))
        self.story.plant.wait_for(self._is_confirmed, "NETOPIA's confirmations")
        self.sandbox.turn("netopia", drop=drop)

    def give_back(self) -> None:
        """Four refunds of ours in part, one at the panel, and a chargeback that is lost."""
        came = [each for each in self.story.desk.payments() if each.gateway == "netopia"]
        found = [Paid(each.id, "netopia", str(each.gateway_reference)) for each in came]
        *ours, at_panel, disputed = found[: _OURS + 2]
        for paid in ours:
            self.story.ask_back(paid)
        self._panel(at_panel, "refund", "5.00")
        self._panel(disputed, "dispute")
        self._panel(disputed, "lose")

    def resend(self) -> int:
        """NETOPIA's own resends of what nobody took: no question finds a chargeback."""
        return self.sandbox.ask(lambda world: world.netopia.post.resend_undelivered())

    def untold(self) -> list[tuple[str]]:
        """The attempts that nobody has told the good end of."""
        return self.story.desk.query(
            "SELECT order_id FROM attempts WHERE gateway = 'netopia' AND state <> 'succeeded'"
        )

    def grow_old(self) -> None:
        """A quarter of an hour passes for every attempt: from then on NETOPIA is asked."""
        self.story.desk.query(
            "UPDATE attempts SET created_at = created_at - interval '16 minutes'"
            " WHERE gateway = 'netopia' RETURNING id"
        )

    def _is_confirmed(self) -> bool:
        """Whether every notice of what was paid so far has been made, and sent or dropped."""
        payments = self.sandbox.ask(lambda world: list(world.netopia.payments.values()))
        return Status.PAID not in {each.status for each in payments}

    def _press(self, buttons: tuple[str, ...]) -> None:
        bill = self.story.payers.bill("RON")
        answer = self.story.payers.click(bill, "netopia", "web")
        assert answer.status_code == 303, answer.text
        page = answer.headers["location"].replace("?p=", "/")
        for button in buttons:
            pressed = self.story.payers.browser.post(f"{page}/{button}")
            assert pressed.status_code == 303, pressed.text

    def _panel(self, paid: Paid, button: str, amount: str = "") -> None:
        address = f"{self.sandbox.url}/panel/netopia/{paid.reference}/{button}"
        answer = httpx.post(address, data={"amount": amount}, trust_env=False)
        assert answer.status_code == 303, answer.text
