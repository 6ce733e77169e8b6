"""A loopback server that answers as PayPal's API does, so that the real client can ask it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Thing = dict[str, Any]

CLIENT, SECRET = "client", "secret"
MERCHANT = "ABCDEFGHIJKL1"
_LINKS = "https://api.sandbox.paypal.com"


@dataclass(slots=True)
class Account:
    """What one PayPal account has; `troubles` are what the next calls get instead of it.

    A trouble is an HTTP status, the body of a success, "silence" for a connection that is closed
    without a word, "lost" for one that is closed when all is done, or "hold" for an answer that
    waits until `go` is set; None lets one call pass. `refusals` are issues, by order, that a
    capture is refused for.
    """

    orders: dict[str, Thing] = field(default_factory=dict)
    captures: dict[str, Thing] = field(default_factory=dict)
    refunds: dict[str, Thing] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    token_seconds: int = 32_400
    troubles: list[int | str | Thing | None] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    remembered: dict[str, Thing] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Thing] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def order(self, id_: str, value: str = "24.20", **changes: Any) -> Thing:
        """An approved order over so many euros, meant for an invoice."""
        unit = {
            "reference_id": "default",
            "custom_id": "INV-0001",
            "invoice_id": "INV-0001-1",
            "amount": {"currency_code": "EUR", "value": value},
            "payee": {"merchant_id": MERCHANT},
        }
        order = {"id": id_, "intent": "CAPTURE", "status": "APPROVED", "purchase_units": [unit]}
        unit |= changes
        self.orders[id_] = order
        return order

    def pay(self, order: Thing, id_: str, status: str = "COMPLETED", fee: str = "1.17") -> Thing:
        """Captures an order, as a call or PayPal itself does."""
        (unit,) = order["purchase_units"]
        capture = {
            "id": id_,
            "status": status,
            "amount": unit["amount"],
            "custom_id": unit["custom_id"],
            "invoice_id": unit["invoice_id"],
            "create_time": "2026-11-20T10:00:10Z",
            "update_time": "2026-11-20T10:00:10Z",
            "links": [_up(f"/v2/checkout/orders/{order['id']}")],
        }
        if status == "COMPLETED":
            paid = {"currency_code": unit["amount"]["currency_code"], "value": fee}
            capture["seller_receivable_breakdown"] = {"paypal_fee": paid}
        order["status"] = "COMPLETED"
        unit["payments"] = {"captures": [capture], "refunds": []}
        self.captures[id_] = capture
        self.taken.append(order["id"])
        return capture

    def refund(
        self, capture: Thing, id_: str, value: str, *, is_listed: bool = True, **changes: Any
    ) -> Thing:
        """Gives money of a capture back."""
        refund = {
            "id": id_,
            "status": "COMPLETED",
            "amount": {"currency_code": capture["amount"]["currency_code"], "value": value},
            "create_time": "2026-11-21T11:13:29-08:00",
            "update_time": "2026-11-21T11:13:29-08:00",
            "links": [_up(f"/v2/payments/captures/{capture['id']}")],
            **changes,
        }
        self.refunds[id_] = refund
        if is_listed:
            for order in self.orders.values():
                payments = order["purchase_units"][0].get("payments", {"captures": []})
                if capture in payments["captures"]:
                    payments["refunds"].append(refund)
        return refund

    def answer(self, method: str, path: str, key: str | None, body: bytes) -> tuple[int, Thing]:
        self.asked.append(f"{method} {path}")
        *_, kind, last = path.split("/")
        if path == "/v2/checkout/orders":
            return self._open(key or "", json.loads(body))
        if last == "capture":
            return self._capture(kind, key or "")
        things = {"orders": self.orders, "captures": self.captures, "refunds": self.refunds}
        found = things[kind].get(last)
        return (200, found) if found is not None else (404, {"name": "RESOURCE_NOT_FOUND"})

    def _open(self, key: str, body: Thing) -> tuple[int, Thing]:
        self.bodies.append(body)
        if key in self.remembered:
            return 200, self.remembered[key]
        id_ = f"5O190127TN36471{len(self.orders):02}"
        self.orders[id_] = {**body, "id": id_, "status": "PAYER_ACTION_REQUIRED"}
        page = {"href": f"https://www.sandbox.paypal.com/checkoutnow?token={id_}"}
        told = {"id": id_, "status": "PAYER_ACTION_REQUIRED", "create_time": "2026-11-20T09:58:00Z"}
        self.remembered[key] = told | {"links": [page | {"rel": "payer-action"}]}
        return 201, self.remembered[key]

    def _capture(self, order_id: str, key: str) -> tuple[int, Thing]:
        if key in self.remembered:
            return 200, self.orders[order_id]
        order = self.orders.get(order_id)
        if order is None:
            return 404, {"name": "RESOURCE_NOT_FOUND"}
        issue = self.refusals.get(order_id)
        if issue is None and order["status"] == "COMPLETED":
            issue = "ORDER_ALREADY_CAPTURED"
        if issue is not None:
            return 422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}
        self.pay(order, f"CAP{order_id}")
        self.remembered[key] = order
        return 201, order


class _Handler(BaseHTTPRequestHandler):
    account: Account

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/v1/oauth2/token":
            return self._say(*self._token(body))
        if self.headers["authorization"] not in {f"Bearer {each}" for each in self.account.tokens}:
            return self._say(401, {"name": "AUTHENTICATION_FAILURE"})
        trouble = self.account.troubles.pop(0) if self.account.troubles else None
        if isinstance(trouble, int):
            return self._say(trouble, {"name": "INTERNAL_SERVER_ERROR"})
        if isinstance(trouble, dict):
            return self._say(201, trouble)
        if trouble == "silence":
            return None
        key = self.headers.get("paypal-request-id")
        answer = self.account.answer(method, self.path, key, body)
        if trouble == "hold":
            self.account.go.wait(30)
        return None if trouble == "lost" else self._say(*answer)

    def _token(self, body: bytes) -> tuple[int, Thing]:
        self.account.asked.append("token")
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        is_known = self.headers["authorization"] == f"Basic {known}"
        if not is_known or body != b"grant_type=client_credentials":
            return 401, {"error": "invalid_client"}
        self.account.tokens[:] = [f"token{len(self.account.asked)}"]
        return 200, {
            "access_token": self.account.tokens[0],
            "token_type": "Bearer",
            "expires_in": self.account.token_seconds,
        }

    def _say(self, status: int, body: Thing) -> None:
        with suppress(OSError):  # who asked may be gone by now
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body, indent=1).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Account]:
    """An account behind a server of its own, for as long as the block runs."""
    account = Account()
    handler = type("Handler", (_Handler,), {"account": account})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    account.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield account
    finally:
        account.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _up(path: str) -> Thing:
    return {"href": f"{_LINKS}{path}", "rel": "up", "method": "GET"}
