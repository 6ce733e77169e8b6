"""A small fictional gateway with all who are there: no other file has to know it, but conftest."""

import hmac
import json
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, NoReturn

from domain.attention import AttentionKind
from domain.errors import Refused, Untrusted
from domain.facts import Fact, FactClass, FactKey, Ignored, Move, Reading, Report, Status, Trust
from domain.money import Money, decimal_text
from gateways import json_events
from gateways.capabilities import Capabilities, Disputes, Verb
from gateways.port import Delivery, Envelope, Gateway, Order, Outcome, Reply, Session
from runtime import clock
from tests.contract.far_side import Act, Asked, FarSide, Moved, Sums
from tests.sandbox.listening import Taken

_SECRET = b"what only the piggy bank and its seller know"
_TABLE = Capabilities(frozenset({Verb.HOSTED_LINK}), True, False, True, Disputes.MOVES)
_REPLIES = {Outcome.UNTRUSTED: 400, Outcome.MALFORMED: 400, Outcome.BUSY: 503}
_UNMOVED = (Act.DISPUTE, Act.LOSE)
_BACK = {
    Act.REFUND: (Move.OUT, FactClass.REFUND),
    Act.WITHDRAW: (Move.OUT, FactClass.CHARGEBACK),
    Act.WIN: (Move.BACK, FactClass.CHARGEBACK),
}
_NOT_YET = {Act.LEAVE_PENDING: Status.PENDING, Act.DECLINE: Status.FAILED, Act.FAIL: Status.FAILED}


def _seal(number: str, body: bytes) -> str:
    return hmac.new(_SECRET, number.encode() + b"." + body, "sha256").hexdigest()


@dataclass(slots=True)
class Piggy:
    """The dialect: signed JSON that tells one move each; `bank` stands where its API would."""

    bank: "Bank"
    name: str = "piggy"
    account: str = "own/test"
    capabilities: Capabilities = _TABLE

    def authenticate(self, delivery: Delivery, keys: object, now: object) -> Envelope:
        number, seal = delivery.only(b"piggy-number"), delivery.only(b"piggy-seal")
        if not hmac.compare_digest(_seal(number, delivery.body), seal):
            raise Untrusted("the seal is not the piggy bank's")
        told = json_events.arrived(delivery.body)
        event_id, kind = json_events.text(told, "id"), json_events.text(told, "act")
        return Envelope(self.account, event_id, kind, None, {"piggy-seal": seal})

    def read(self, raw: bytes) -> Reading:
        told: dict[str, Any] = dict(json_events.kept(raw))
        act = Act(told["act"])
        if act in _UNMOVED:
            return Ignored("no move", AttentionKind.DISPUTE_OPENED if act is Act.DISPUTE else None)
        move, fact_class = _BACK.get(act, (Move.IN, FactClass.PAYMENT))
        key = FactKey(self.name, self.account, told["payment"], move, told["item"])
        money, at = Money(told["currency"], told["minor"]), datetime.fromisoformat(told["at"])
        status = _NOT_YET.get(act, Status.SUCCEEDED)
        fact = Fact(key, status, fact_class, money, Trust.DELIVERY, at, (told["order"],))
        return (Report(fact, (told["payment"],)),)

    def reply(self, outcome: Outcome) -> Reply:
        return Reply(_REPLIES.get(outcome, 200), b"{}", b"application/json")

    def serves(self, currency: str) -> bool:
        return currency == self.bank.currency

    def hosted_link(self, order: Order) -> Session:
        page = f"https://piggy.example/{order.order_id}"
        if self.bank.orders.setdefault(page, order) != order:
            raise Refused("order_differs", "another order has this key")
        return Session(order.order_id, page, order.expires_at)

    def _lacks(self, *_: object) -> NoReturn:
        raise Refused("unsupported", "a piggy bank has a slit, and nothing else")

    form = expire = capture = lookup = reported = event = refund = _lacks


@dataclass(slots=True)
class Bank:
    """The far side: orders by their page, what was sent and nobody got yet, and a ledger."""

    currency: str = "EUR"
    unserved: str = "RON"
    orders: dict[str, Order] = field(default_factory=dict)
    last: dict[str, Act] = field(default_factory=dict)
    disputed: dict[str, Decimal] = field(default_factory=dict)
    moved: Sums = field(default_factory=lambda: defaultdict(Decimal))
    outbox: list[Taken] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)
    copies: int = 1

    @property
    def gateway(self) -> Gateway:
        return Piggy(self)

    def asks(self, page: str) -> Asked | None:
        money = self.orders[page].money
        is_open = self.last.get(page, Act.DECLINE) is Act.DECLINE
        return Asked(decimal_text(money), money.currency) if is_open else None

    def act(self, page: str, act: Act, amount: Decimal | None = None) -> None:
        order, name = self.orders[page], Moved(self.reference(page), self.currency, "money")
        amount = amount or self.moved.get(name) or Decimal(decimal_text(order.money))
        if act in (*_UNMOVED, Act.WITHDRAW, Act.WIN):
            amount = self.disputed.setdefault(page, amount)
        move, self.last[page] = _BACK.get(act, (Move.IN, None))[0], act
        if act not in (*_UNMOVED, *_NOT_YET):
            self.moved[name] += -amount if move is Move.OUT else amount
        id_ = f"E{next(self.numbers)}"
        told = {"id": id_, "act": act, "item": "" if move is Move.IN else id_}
        told |= {"order": order.order_id, "payment": name.reference, "at": clock.now().isoformat()}
        body = json.dumps(told | {"currency": self.currency, "minor": int(amount * 100)}).encode()
        for number in (str(next(self.numbers)) for _ in range(self.copies)):
            headers = {"piggy-number": number, "piggy-seal": _seal(number, body)}
            self.outbox.append(Taken("/webhooks/piggy", headers, body, 0))

    def sent(self) -> list[Taken]:
        new, self.outbox = self.outbox, []
        return new

    def double(self) -> None:
        self.copies = 2

    def pages(self) -> int:
        return len(self.orders)

    calls = pages

    def reference(self, page: str) -> str:
        return f"P-{page.rpartition('/')[2]}"

    def ledger(self) -> Sums:
        return dict(self.moved)


def opened() -> AbstractContextManager[FarSide]:
    """A piggy bank of its own."""
    return nullcontext(Bank())
