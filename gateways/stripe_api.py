"""Asking Stripe: its own words, byte for byte, within seconds, or why there are none."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from domain.errors import Refused, TryLater
from gateways import strict_json, stripe_checkout
from gateways import stripe_fields as fields
from gateways.port import Occurrence, Order, Repayment, Session, Taken

if TYPE_CHECKING:
    from stripe import StripeClient

# To connect, and to wait for each part of the answer. A lease is longer than all of it.
_TIMEOUT_SECONDS = (2.0, 5.0)
_MOST_PAGES = 3
_LONGEST_BYTES = 262_144
_PAUSE = timedelta(minutes=1)

_INTENT = "pi_"
_NAME = re.compile(r"(?:pi|ch|py)_[A-Za-z0-9_]+")  # it becomes part of an address
_EVENT = re.compile(r"evt_[A-Za-z0-9_]+")
_SESSION = re.compile(r"cs_[A-Za-z0-9_]+")


class StripeApi:
    """One account's way to Stripe; `base` is where its API is, None where it always is."""

    def __init__(self, key: str, base: str | None) -> None:
        self._key = key
        self._base = base

    @cached_property
    def _client(self) -> "StripeClient":
        """Made by the one who asks: Stripe's library is 30 MB that no other process needs."""
        from stripe import RequestsClient, StripeClient

        return StripeClient(
            self._key,
            base_addresses={"api": self._base} if self._base else None,
            max_network_retries=0,
            http_client=RequestsClient(timeout=_TIMEOUT_SECONDS),
        )

    def payment(self, reference: str) -> bytes:
        """All that Stripe has of a payment, each answer as it came, in a frame of ours.

        Network, some seconds. Refused: asking again will not help before a person has looked.
        TryLater: Stripe is busy or away.
        """
        with _asking("unknown_payment", f"Stripe does not know {reference}"):
            answer = self._framed(reference)
        if len(answer) > _LONGEST_BYTES:
            raise Refused("answer_too_long", f"what Stripe has of {reference} is over 256 KiB")
        return answer

    def occurrences(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """Every event between, newest first; a page of a hundred at a time."""
        after: dict[str, object] = {}
        created = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        while True:
            with _asking("unknown_event", "Stripe does not list its events"):
                page = self._get("/v1/events", created=created, limit=100, **after)
            listed = _object(page)
            events = fields.entries(listed, "data")
            for event in events:
                yield Occurrence(str(event.get("id")), str(event.get("type")))
            if not listed.get("has_more") or not events:
                return
            after = {"starting_after": events[-1].get("id")}

    def event(self, event_id: str) -> bytes:
        """One event, as it came."""
        if not _EVENT.fullmatch(event_id):
            raise Refused("unsupported", f"Stripe has no event that is called {event_id}")
        with _asking("unknown_event", f"Stripe does not know {event_id}"):
            return self._get(f"/v1/events/{event_id}")

    def open_session(self, order: Order) -> Session:
        """Opens a Checkout Session, once however often it is asked for; network, some seconds.

        Stripe keeps the first answer to a key for a day. Errors as `Gateway.hosted_link` tells.
        """
        told = stripe_checkout.parameters(order)
        with _asking("order_refused", f"Stripe refuses the order {order.order_id}"):
            opened = self._client.v1.checkout.sessions.create(
                params=told,  # type: ignore[arg-type]  # a plain mapping of the same shape
                options={"idempotency_key": order.key},
            )
        return stripe_checkout.session(opened.to_dict())

    def close_session(self, session_id: str) -> None:
        """Expires a session; one that is complete or expired is left as it is."""
        if not _SESSION.fullmatch(session_id):
            raise Refused("unsupported", f"Stripe has no session that is called {session_id}")
        import stripe

        sessions = self._client.v1.checkout.sessions
        with _asking("unknown_session", f"Stripe does not know the session {session_id}"):
            try:
                sessions.expire(session_id)
            except stripe.InvalidRequestError:
                if sessions.retrieve(session_id).status == "open":
                    raise

    def refund(self, repayment: Repayment) -> Taken:
        """Gives back once, however often it is asked for: Stripe keeps a key for a day."""
        field = "payment_intent" if repayment.reference.startswith(_INTENT) else "charge"
        told = {
            field: self._named(repayment.reference),
            "amount": fields.stripe_minor(repayment.money),
            "reason": "requested_by_customer",
            "metadata": {"refund": repayment.key},
        }
        with _asking("refund_refused", f"Stripe gives nothing back of {repayment.reference}"):
            made = self._client.v1.refunds.create(
                params=told,  # type: ignore[arg-type]  # a plain mapping of the same shape
                options={"idempotency_key": repayment.key},
            )
        return Taken(made.id, repayment.reference)

    def _framed(self, reference: str) -> bytes:
        """The answers side by side; Stripe prints them, so that the same answer has one hash."""
        if self._named(reference).startswith(_INTENT):
            path, field, expand = "payment_intents", "payment_intent", "latest_charge"
            expanded = [expand, f"{expand}.balance_transaction"]
        else:
            path, field = "charges", "charge"
            expanded = ["payment_intent", "balance_transaction"]
        payment = self._get(f"/v1/{path}/{reference}", expand=expanded)
        refunds = b",".join(
            self._pages("refunds", field, reference, expand=["data.balance_transaction"])
        )
        disputes = b",".join(self._pages("disputes", field, reference))
        return b'{"object":"lookup","payment":%b,\n"refunds":[%b],\n"disputes":[%b]}' % (
            payment,
            refunds,
            disputes,
        )

    def _named(self, reference: str) -> str:
        if not _NAME.fullmatch(reference):
            raise Refused("unsupported", f"Stripe has no payment that is called {reference}")
        return reference

    def _pages(self, path: str, field: str, reference: str, **params: object) -> Iterator[bytes]:
        after: dict[str, object] = {}
        for _ in range(_MOST_PAGES):
            page = self._get(f"/v1/{path}", **{field: reference}, limit=100, **params, **after)
            yield page
            listed = strict_json.parse(page)
            if not isinstance(listed, dict) or not listed.get("has_more"):
                return
            after = {"starting_after": listed["data"][-1]["id"]}
        raise Refused("answer_too_long", f"what Stripe has of {reference} fills too many pages")

    def _get(self, path: str, **params: object) -> bytes:
        # Stripe's client hands the untouched text of an answer to raw requests alone.
        response = self._client.raw_request("get", path, **params)
        return str(response.body).encode()


def _object(answer: bytes) -> fields.Payload:
    """What a page holds; what is no object comes from somebody between us and Stripe."""
    try:
        told = strict_json.parse(answer)
    except strict_json.Malformed as error:
        raise TryLater(_PAUSE, "Stripe's answer is no JSON") from error
    if not isinstance(told, dict):
        raise TryLater(_PAUSE, "Stripe's answer is no object")
    return told


@contextmanager
def _asking(code: str, detail: str) -> Iterator[None]:
    """Gives Stripe's errors our names; `code` and `detail` say what its refusal means here."""
    import stripe

    try:
        yield
    except stripe.IdempotencyError as error:
        raise Refused("order_differs", "Stripe knows another order under this key") from error
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        why = f"{error.code or error.param or 'no code'}"
        raise Refused(code, f"{detail}: {why}") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Refused("key_refused", "Stripe refuses STRIPE_API_KEY; set a valid one") from error
    except stripe.StripeError as error:
        raise TryLater(_PAUSE, f"Stripe is busy or away: {type(error).__name__}") from error
