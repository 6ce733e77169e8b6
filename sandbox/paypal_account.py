"""The pretend merchant at PayPal: orders, captures, refunds, disputes, events, ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Literal

from sandbox.delivery import Post
from sandbox.gateway import Site
from sandbox.idempotency import Keys
from sandbox.ledger import Ledger
from sandbox.payload import Payload, copied, printed
from sandbox.paypal_certificates import Seal
from sandbox.paypal_errors import bad_token, not_found

# Where PayPal's own words say its API is; the sandbox's pages are named by its own address.
LINKS = "https://api.sandbox.paypal.com"

_PACIFIC = timezone(timedelta(hours=-8))

Show = Callable[[], Payload]
OrderStatus = Literal["CREATED", "PAYER_ACTION_REQUIRED", "APPROVED", "COMPLETED", "VOIDED"]

# What the customer chose on the page, which shows only when the order is captured.
PAYS, WAITS, DECLINES = "pay", "leave-pending", "decline-capture"


@dataclass(slots=True)
class Order:
    """One order with its one purchase unit, as the merchant asked for it."""

    id: str
    unit: Payload
    context: Payload  # brand, return_url, cancel_url
    status: OrderStatus
    created: datetime
    updated: datetime
    outcome: str = PAYS  # or what the capture will be refused with
    refusals: int = 0
    is_approved_once: bool = False
    captures: list[Payload] = field(default_factory=list)
    refunds: list[Payload] = field(default_factory=list)

    @property
    def currency(self) -> str:
        """Three letters."""
        return str(self.unit["amount"]["currency_code"])

    @property
    def amount(self) -> Decimal:
        """In whole units."""
        return Decimal(self.unit["amount"]["value"])


class PaypalAccount:
    """All of it in memory; every change happens on one event loop, between two awaits."""

    def __init__(self, site: Site, post: Post, seal: Seal) -> None:
        self.options = site.options
        self.clock = site.clock
        self.ids = site.ids
        self.own_url = site.own_url
        self.knobs = post.knobs
        self.post = post
        self.seal = seal
        self.ledger = Ledger()
        # By request id: how to show what it made, as that is now.
        self.order_keys: Keys[Show] = Keys(timedelta(hours=6))
        self.payment_keys: Keys[Show] = Keys(timedelta(days=45))
        self.tokens: dict[str, datetime] = {}
        self.orders: dict[str, Order] = {}
        self.captures: dict[str, tuple[Order, Payload]] = {}
        self.refunds: dict[str, tuple[Order, Payload]] = {}
        self.disputes: dict[str, Payload] = {}
        self.reversals: dict[str, str] = {}  # by dispute: the refund by which money was taken
        self.events: dict[str, Payload] = {}

    def new_token(self) -> str:
        """An access token that lasts as long as its answer says."""
        token = self.ids.token()
        self.tokens[token] = self.clock() + timedelta(seconds=self.options.token_seconds)
        return token

    def check_token(self, authorization: str) -> None:
        """PaypalError 401 unless it names a token that has not run out."""
        scheme, _, token = authorization.partition(" ")
        until = self.tokens.get(token)
        if scheme != "Bearer" or until is None or until <= self.clock():
            raise bad_token()

    def order(self, id_: str) -> Order:
        """PaypalError 404 when there is none, or its time is over."""
        order = self.orders.get(id_)
        if order is None or self._is_expired(order):
            raise not_found()
        return order

    def capture(self, id_: str) -> tuple[Order, Payload]:
        """A capture and its order; PaypalError 404 when there is none."""
        if id_ not in self.captures:
            raise not_found()
        return self.captures[id_]

    def _is_expired(self, order: Order) -> bool:
        longest = timedelta(seconds=self.options.order_seconds)
        return not order.captures and self.clock() - order.updated > longest

    def emit(self, kind: str, subject: Payload, summary: str) -> None:
        """Tell by an event how the resource is now."""
        id_ = self.ids.paypal_event()
        resource = _resource_type(kind)
        own = f"{LINKS}/v1/notifications/webhooks-events/{id_}"
        event: Payload = {
            "id": id_,
            "event_version": "1.0",
            "create_time": fine(self.clock()),
            "resource_type": resource,
            "resource_version": "2.0",
            "event_type": kind,
            "summary": summary,
            "resource": copied(subject),
            "links": [link(own, "self", "GET"), link(f"{own}/resend", "resend", "POST")],
        }
        if resource == "dispute":
            del event["resource_version"]
        self.events[id_] = event
        self.post.send(id_, printed(event))


def link(address: str, rel: str, method: str) -> Payload:
    """A link as PayPal writes it."""
    return {"href": address, "rel": rel, "method": method}


def plain(instant: datetime) -> str:
    """`2026-11-20T10:00:10Z`."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def fine(instant: datetime) -> str:
    """`2026-11-20T10:00:12.940Z`."""
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}Z"


def pacific(instant: datetime) -> str:
    """`2026-11-20T02:00:10-08:00`, as refunds tell it."""
    return instant.astimezone(_PACIFIC).isoformat(timespec="seconds")


def _resource_type(kind: str) -> str:
    if kind.startswith(("CHECKOUT.ORDER", "CHECKOUT.PAYMENT-APPROVAL")):
        return "checkout-order"
    if kind.startswith("CUSTOMER.DISPUTE"):
        return "dispute"
    return "refund" if kind.endswith((".REFUNDED", ".REVERSED")) else "capture"
