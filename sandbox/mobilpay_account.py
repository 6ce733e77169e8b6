"""The pretend merchant at MobilPay: orders, what became of them, notices, ledger."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal

from sandbox import mobilpay_notices, mobilpay_seal
from sandbox.delivery import First, Post
from sandbox.gateway import Site
from sandbox.ledger import Ledger
from sandbox.mobilpay_errors import MobilpayError
from sandbox.mobilpay_notices import Action, Notice
from sandbox.mobilpay_order import Asked
from sandbox.mobilpay_seal import Pairs

# How long the page waits for the seller's answer; the real one's patience is not known.
_PATIENCE_SECONDS = 3.0

State = Literal["open", "pending", "authorised", "paid", "cancelled", "expired"]


@dataclass(slots=True)
class Order:
    """One order; `code` is what its last try came to, 0 when it was not refused."""

    asked: Asked
    page: str
    purchase: str
    state: State = "open"
    is_hold: bool = False  # what is pending or authorised takes no money before it is captured
    code: int = 0
    captured: Decimal = Decimal(0)
    refunds: list[Decimal] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        """What has not gone back."""
        return self.captured - sum(self.refunds, Decimal(0))


class MobilpayAccount:
    """All of it in memory; every change happens on one event loop, between two awaits."""

    def __init__(self, site: Site, post: Post) -> None:
        self.options = site.options
        self.own_url = site.own_url
        self.clock = site.clock
        self.ids = site.ids
        self.knobs = post.knobs
        self.post = post
        self.ledger = Ledger()
        self.orders: dict[str, Order] = {}
        self.pages: dict[str, Order] = {}
        self.notices: dict[str, Notice] = {}
        self.logins: set[str] = set()

    @cached_property
    def pairs(self) -> Pairs:
        """MobilPay's keys and the seller's, made or found once they are asked for."""
        if self.options.mobilpay_keys is None:
            return mobilpay_seal.new_pairs(self.clock())
        return mobilpay_seal.kept_pairs(self.options.mobilpay_keys, self.clock())

    def order(self, id_: str) -> Order:
        """MobilpayError when there is none."""
        if id_ not in self.orders:
            raise MobilpayError(48, "there is no such order")
        return self.orders[id_]

    def add(self, asked: Asked) -> Order:
        """A new order with a page of its own."""
        purchase = self.ids.purchase()
        order = self.orders[asked.id] = Order(asked, page=purchase, purchase=purchase)
        self.pages[order.page] = order
        return order

    def noted(
        self,
        order: Order,
        action: Action,
        code: int,
        processed: Decimal,
        at: datetime | None = None,
    ) -> Notice:
        """What the seller is to be told, once; the post tells it. `at` of None is now."""
        id_ = f"{order.page}-{len(order.notices) + 1}"
        notice = Notice(
            id=id_,
            order_id=order.asked.id,
            action=action,
            code=code,
            purchase=order.purchase,
            asked=order.asked.amount,
            processed=processed,
            at=at or self.clock(),
            crc=self.ids.crc(),
        )
        order.notices.append(id_)
        self.notices[id_] = notice
        return notice

    def tell(self, notice: Notice) -> First:
        """Send a notice to the address that its order names."""
        asked = self.orders[notice.order_id].asked
        return self.post.send(notice.id, mobilpay_notices.xml(asked.xml, notice), asked.confirm_url)

    async def tell_waiting(self, notice: Notice) -> None:
        """The same, while the customer waits until it was answered, or his page's patience ends."""
        await asyncio.wait([self.tell(notice)], timeout=_PATIENCE_SECONDS)
