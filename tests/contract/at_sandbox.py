"""The far side of whatever gateway the sandbox pretends to be."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import httpx

from gateways.port import Gateway
from sandbox import clock, running
from sandbox.clock import Clock
from sandbox.ledger import Row
from sandbox.options import Options
from sandbox.running import Running
from tests.contract.far_side import Act, Asked, Moved, Sums
from tests.sandbox.customers import SECRETS
from tests.sandbox.listening import Listener, Taken, listening

_AMOUNT = re.compile(r'data-test="amount">([0-9.]+) ([A-Z]{3})<')
_CUSTOMERS = (Act.PAY, Act.DECLINE, Act.LEAVE_PENDING, Act.COMPLETE, Act.FAIL)
_SIGNS = {"in": 1, "out": -1, "back": 1, "fee": 1, "rebate": -1}


class Dialect(Protocol):
    """Where one gateway's pages and payments are in the sandbox."""

    @property
    def name(self) -> str: ...

    def button(self, page: str, name: str) -> str:
        """The address that a button of the page posts to."""
        ...

    def payment(self, sandbox: Running, page: str) -> tuple[str, str]:
        """The payment's name, and what its refunds and disputes are called after at the panel."""
        ...

    def disputes(self, sandbox: Running, charged: str) -> list[str]:
        """The disputes about it."""
        ...

    def pages(self, sandbox: Running) -> int: ...


@dataclass(slots=True)
class AtSandbox:
    """A sandbox, whose deliveries a listener takes; `browser` is everybody's."""

    dialect: Dialect
    gateway: Gateway
    currency: str
    unserved: str
    sandbox: Running
    listener: Listener
    browser: httpx.Client
    heard: int = 0

    def asks(self, page: str) -> Asked | None:
        html = self.browser.get(page).text
        found = _AMOUNT.search(html)
        can_pay = 'data-test="pay"' in html
        return Asked(found[1], found[2]) if found and can_pay else None

    def act(self, page: str, act: Act, amount: Decimal | None = None) -> None:
        if act in _CUSTOMERS:
            answer = self.browser.post(self.dialect.button(page, act))
        else:
            answer = self.browser.post(self._panel(page, act), data=_typed(amount))
        assert answer.status_code < 500, answer.text
        self.sandbox.settle()

    def sent(self) -> list[Taken]:
        self.sandbox.settle()
        new = self.listener.taken[self.heard :]
        self.heard += len(new)
        return new

    def double(self) -> None:
        self.sandbox.turn(self.dialect.name, duplicate=1.0)

    def calls(self) -> int:
        counted = self.sandbox.counted(self.dialect.name)
        return counted.get("calls", 0) + counted.get("tokens", 0)

    def pages(self) -> int:
        return self.dialect.pages(self.sandbox)

    def reference(self, page: str) -> str:
        return self.dialect.payment(self.sandbox, page)[0]

    def ledger(self) -> Sums:
        sums: Sums = defaultdict(Decimal)
        for row in self.sandbox.rows(self.dialect.name):
            moved = Moved(row.reference, row.currency, self._side(row))
            sums[moved] += _SIGNS[row.move] * row.amount
        return dict(sums)

    def _side(self, row: Row) -> str:
        if row.move in ("fee", "rebate"):
            return "fees"
        is_refund = row.move == "out" and row.item != "chargeback"
        is_told = not is_refund or self.gateway.capabilities.tells_refunds
        return "money" if is_told else "untold"

    def _panel(self, page: str, act: Act) -> str:
        _, charged = self.dialect.payment(self.sandbox, page)
        is_about_it = act in (Act.REFUND, Act.DISPUTE)
        subject = charged if is_about_it else self.dialect.disputes(self.sandbox, charged)[-1]
        return f"{self.sandbox.url}/panel/{self.dialect.name}/{subject}/{act}"


@contextmanager
def opened(now: Clock = clock.now) -> Iterator[tuple[Running, Listener, httpx.Client]]:
    """A sandbox, the one who takes what it sends, and a browser that follows no redirect."""
    with listening() as listener:
        options = Options(listener.url, stripe_secrets=SECRETS, seed=7, settle_seconds=0.01)
        with (
            running.beside(options, now) as sandbox,
            httpx.Client(trust_env=False, timeout=30) as browser,
        ):
            yield sandbox, listener, browser


def _typed(amount: Decimal | None) -> Mapping[str, str]:
    return {"amount": "" if amount is None else str(amount)}
