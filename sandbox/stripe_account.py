"""The pretend seller's account at Stripe: its objects, its events, its ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sandbox.delivery import Post
from sandbox.gateway import Site
from sandbox.idempotency import Keys
from sandbox.ledger import Ledger
from sandbox.payload import Payload, copied, printed
from sandbox.stripe_errors import missing

API_VERSION = "2026-10-28.endive"

Kind = Literal[
    "checkout.session", "payment_intent", "charge", "refund", "dispute", "balance_transaction"
]
_PREFIXES = {
    "cs": "checkout.session",
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "du": "dispute",
    "txn": "balance_transaction",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered first to an idempotency key."""

    status: int
    body: bytes


class StripeAccount:
    """All of it in memory; every change happens on one event loop, between two awaits."""

    def __init__(self, site: Site, post: Post) -> None:
        self.options = site.options
        self.clock = site.clock
        self.ids = site.ids
        self.own_url = site.own_url
        self.knobs = post.knobs
        self.post = post
        self.ledger = Ledger()
        self.keys: Keys[Outcome] = Keys(timedelta(hours=24))
        self.objects: dict[str, dict[str, Payload]] = {kind: {} for kind in _PREFIXES.values()}
        self.events: dict[str, Payload] = {}
        self.intended: dict[str, Payload] = {}  # by session: what its payment intent will carry
        # Told by a hook, so that the acts on money need to know no event loop.
        self.later: Callable[[Callable[[], None]], None] = lambda act: act()

    def second(self) -> int:
        """Now, as Stripe tells instants."""
        return int(self.clock().timestamp())

    def keep(self, payload: Payload) -> Payload:
        """A new object of the account, which is changed in place from now on."""
        self.objects[payload["object"]][payload["id"]] = payload
        return payload

    def find(self, kind: Kind, id_: str) -> Payload:
        """The object itself; StripeError 404 when there is none."""
        found = self.objects[kind].get(id_)
        if found is None:
            raise missing(kind, id_)
        return found

    def known(self, id_: str) -> Payload | None:
        """Whatever object is called so; None when none is."""
        kind = _PREFIXES.get(id_.partition("_")[0])
        return self.objects[kind].get(id_) if kind else None

    def emit(self, kind: str, subject: Payload, previous: Payload | None = None) -> None:
        """Tell by an event how the object is now."""
        event: Payload = {
            "id": self.ids.stripe("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.second(),
            "data": {"object": copied(subject)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        if previous is not None:
            event["data"]["previous_attributes"] = previous
        self.events[event["id"]] = event
        self.post.send(event["id"], printed(event))
