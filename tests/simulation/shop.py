"""The gateway's side: purchases as they are, and the events that tell of them, each for ever.

What an event tells is noted twice: in the bytes that are delivered, and in plain figures for the
model, which never looks at the bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

IN, OUT, BACK = "in", "out", "back"


@dataclass(frozen=True, slots=True)
class Tells:
    """One figure of one payment; `invoice` is the row it is meant for, None where not named."""

    payment: str
    move: str
    item: str
    status: str
    minor: int
    is_chargeback: bool = False
    invoice: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `tells` is None where it says nothing about money that moved."""

    id: str
    body: bytes
    tells: Tells | None


@dataclass(slots=True)
class Purchase:
    """One payment at the gateway; amounts in minor units.

    `text` is what it echoes of ours, for `invoice`; empty and None where it echoes nothing.
    """

    number: int
    currency: str
    minor: int
    invoice: int | None
    text: str
    has_intent: bool
    captured_minor: int = 0
    refunds: dict[str, int] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    disputes: dict[str, int] = field(default_factory=dict)
    reinstated: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The gateway's main name for it."""
        return f"pi_{self.number}" if self.has_intent else f"ch_{self.number}"


@dataclass(slots=True)
class Shop:
    """Makes events; nothing here knows what becomes of them."""

    purchases: list[Purchase] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def sold(self, purchase: Purchase, now: datetime) -> Iterator[Event]:
        """The sister events of money that came: session, intent and charge."""
        purchase.captured_minor = minor = purchase.minor
        yield self._charge(purchase, now, "charge.succeeded", "succeeded", minor)
        if purchase.has_intent:
            yield self._intent(purchase, now, "payment_intent.succeeded", "succeeded", minor)
            yield self._session(purchase, now, minor)

    def pending(self, purchase: Purchase, now: datetime) -> Event:
        return self._charge(purchase, now, "charge.pending", "pending", purchase.minor)

    def failed(self, purchase: Purchase, now: datetime) -> Event:
        return self._charge(purchase, now, "charge.failed", "failed", purchase.minor)

    def grown(self, purchase: Purchase, now: datetime, by_minor: int) -> Event:
        """A capture that grew; this report does not name the invoice."""
        purchase.captured_minor += by_minor
        minor = purchase.captured_minor
        return self._charge(purchase, now, "charge.succeeded", "succeeded", minor, is_named=False)

    def refunded(self, purchase: Purchase, now: datetime, minor: int, status: str) -> Event:
        item = f"re_{purchase.number}_{len(purchase.refunds)}"
        purchase.refunds[item] = minor
        return self._refund(purchase, now, item, status)

    def refund_moved_on(self, purchase: Purchase, now: datetime, item: str, status: str) -> Event:
        if status == "failed":
            purchase.failed.add(item)
        return self._refund(purchase, now, item, status)

    def disputed(self, purchase: Purchase, now: datetime, minor: int) -> Event:
        item = f"du_{purchase.number}_{len(purchase.disputes)}"
        purchase.disputes[item] = minor
        return self._dispute(purchase, now, item, OUT)

    def won(self, purchase: Purchase, now: datetime, item: str) -> Event:
        purchase.reinstated.add(item)
        return self._dispute(purchase, now, item, BACK)

    def idle(self, now: datetime) -> Event:
        """An event about no money."""
        return self._event("customer.created", {"id": "cus_1", "object": "customer"}, now, None)

    def _session(self, purchase: Purchase, now: datetime, minor: int) -> Event:
        subject = {
            "id": f"cs_{purchase.number}",
            "mode": "payment",
            "payment_status": "paid",
            "payment_intent": purchase.name,
            "amount_total": minor,
            "client_reference_id": purchase.text,
        }
        tells = _came(purchase, "succeeded", minor, is_named=True)
        return self._event("checkout.session.completed", _in(purchase, subject), now, tells)

    def _intent(
        self, purchase: Purchase, now: datetime, kind: str, status: str, minor: int
    ) -> Event:
        subject = {
            "id": purchase.name,
            "amount": minor,
            "amount_received": minor,
            "latest_charge": f"ch_{purchase.number}",
        }
        tells = _came(purchase, status, minor, is_named=False)
        return self._event(kind, _in(purchase, subject), now, tells)

    def _charge(
        self,
        purchase: Purchase,
        now: datetime,
        kind: str,
        status: str,
        minor: int,
        *,
        is_named: bool = True,
    ) -> Event:
        subject = {
            "id": f"ch_{purchase.number}",
            "payment_intent": purchase.name if purchase.has_intent else None,
            "amount": minor,
            "amount_captured": minor,
            "captured": True,
            "metadata": {"invoice_id": purchase.text} if is_named else {},
        }
        tells = _came(purchase, status, minor, is_named=is_named)
        return self._event(kind, _in(purchase, subject), now, tells)

    def _refund(self, purchase: Purchase, now: datetime, item: str, status: str) -> Event:
        minor = purchase.refunds[item]
        subject = {"id": item, "amount": minor, "status": status}
        tells = Tells(purchase.name, OUT, item, status, minor)
        return self._event("refund.updated", _out(purchase, subject), now, tells)

    def _dispute(self, purchase: Purchase, now: datetime, item: str, move: str) -> Event:
        minor = purchase.disputes[item]
        moved = {"id": f"txn_{item}_{move}", "amount": -minor if move == OUT else minor}
        subject = {"id": item, "amount": minor, "balance_transactions": [moved]}
        kind = "funds_withdrawn" if move == OUT else "funds_reinstated"
        tells = Tells(purchase.name, move, item, "succeeded", minor, is_chargeback=True)
        return self._event(f"charge.dispute.{kind}", _out(purchase, subject), now, tells)

    def _event(self, kind: str, subject: object, now: datetime, tells: Tells | None) -> Event:
        id_ = f"evt_{len(self.events)}"
        envelope = {
            "id": id_,
            "object": "event",
            "created": int(now.timestamp()),
            "livemode": False,
            "type": kind,
            "data": {"object": subject},
        }
        event = Event(id_, json.dumps(envelope, indent=1).encode(), tells)
        self.events.append(event)
        return event


def _came(purchase: Purchase, status: str, minor: int, *, is_named: bool) -> Tells:
    invoice = purchase.invoice if is_named else None
    return Tells(purchase.name, IN, "", status, minor, invoice=invoice)


def _in(purchase: Purchase, subject: Mapping[str, object]) -> dict[str, object]:
    return {"currency": purchase.currency.lower(), "livemode": False, **subject}


def _out(purchase: Purchase, subject: Mapping[str, object]) -> dict[str, object]:
    names = {"charge": f"ch_{purchase.number}"}
    if purchase.has_intent:
        names["payment_intent"] = purchase.name
    return {"currency": purchase.currency.lower(), **names, **subject}


def told(events: Sequence[Event]) -> list[Tells]:
    """What these events say about money."""
    return [event.tells for event in events if event.tells is not None]
