"""Carries events to the real endpoint, signed as Stripe signs them."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from time import monotonic
from urllib.parse import urlsplit

from stripe import WebhookSignature

from cli.simulation.sisters import Event
from domain.errors import Refused

_MOST_AT_ONCE = 32
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said to one delivery, and how long it took."""

    event: Event
    status: int
    seconds: float
    is_taken: bool


def deliver(events: Sequence[Event], secret: str, address: str, at_second: int) -> list[Answer]:
    """Posts these events to an address, one after the other; answers in the order given."""
    return [_post(event, secret, address, at_second) for event in events]


def deliver_at_once(
    events: Sequence[Event], secret: str, address: str, at_second: int
) -> list[Answer]:
    """Posts these events to an address, up to 32 at a time."""
    with ThreadPoolExecutor(max_workers=min(len(events), _MOST_AT_ONCE)) as hands:
        return list(hands.map(lambda event: _post(event, secret, address, at_second), events))


def _post(event: Event, secret: str, address: str, at_second: int) -> Answer:
    signature = WebhookSignature.generate_signature_header(event.body, secret, at_second)
    if urlsplit(address).scheme not in ("http", "https"):
        raise Refused("malformed_base_url", f"BASE_URL makes no web address: {address}")
    request = urllib.request.Request(  # noqa: S310 - the scheme is one of two
        address,
        event.body.encode(),
        {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        },
    )
    # Straight to our own endpoint, whatever proxy the machine has for the world outside.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    started = monotonic()
    try:
        with direct.open(request, timeout=_TIMEOUT_SECONDS) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except (OSError, HTTPException) as error:
        raise Refused(
            "nothing_running", f"nobody answers at {address}: start it with `make run`"
        ) from error
    return Answer(event, status, monotonic() - started, status == 200)
