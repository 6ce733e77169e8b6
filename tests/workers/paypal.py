"""A worker wired to PayPal: its account behind a real server, its events kept as the door does."""

import hashlib
import json

import pytest

from ledger.store import Store
from runtime import wiring
from runtime.settings import settings
from tests.desk import Desk
from tests.gateways.deliveries import paypal_body
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import CLIENT, MERCHANT, SECRET, Account
from tests.workers.test_events import settle_all
from workers import captures, lookups

ORDER, CAPTURE = "5O190127TN364715T", "CAP5O190127TN364715T"


def wire(account: Account, monkeypatch: pytest.MonkeyPatch, base: str | None = None) -> None:
    for name, value in {
        "PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
        "PAYPAL_MERCHANT_ID": MERCHANT,
        "PAYPAL_CLIENT_ID": CLIENT,
        "PAYPAL_CLIENT_SECRET": SECRET,
        "PAYPAL_API_BASE": base or account.url,
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    wiring.gateways.cache_clear()


def keep(desk: Desk, *bodies: bytes) -> list[int]:
    """Keeps events as the door does once they are authenticated."""
    ids = []
    for body in bodies:
        event = json.loads(body)
        with desk.store.transaction() as books:
            id_ = books.value(
                "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256,"
                " binding) VALUES ('paypal', :account, :id, 'webhook', :kind, :raw, '{}', :sha256,"
                " :id) RETURNING id",
                account=f"{MERCHANT}/test",
                id=event["id"],
                kind=event["event_type"],
                raw=body,
                sha256=hashlib.sha256(body).digest(),
            )
        ids.append(int(id_))
    return ids


def approved(number: int = 1, order: str = ORDER) -> bytes:
    return paypal_body("checkout_order_approved", {"id": order}, id=f"WH-APPROVED-{number}")


def completed(number: int = 1, capture: str = CAPTURE) -> bytes:
    return paypal_body("payment_capture_completed", {"id": capture}, id=f"WH-COMPLETED-{number}")


def refunded(refund: str, capture: str = CAPTURE, name: str = "payment_capture_refunded") -> bytes:
    above = {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{capture}"}
    return paypal_body(name, {"id": refund, "links": [above]}, id=f"WH-{refund}")


def work(store: Store) -> None:
    """Settles, captures and asks until nothing is left to do now."""
    gateways = wiring.gateways()
    kept: list[int] = []
    for _ in range(4):
        settle_all(store, gateways)
        while captures.capture_next(store, gateways, kept):
            pass
        while lookups.look_up_next(store, gateways, kept):
            pass
    settle_all(store, gateways)


def states(desk: Desk) -> list[tuple[str, str, str]]:
    return desk.query("SELECT source, kind, state FROM inbox ORDER BY id")


def errands(desk: Desk) -> list[tuple[str, str, str]]:
    return desk.query("SELECT effect, subject, state FROM outbox ORDER BY id")
