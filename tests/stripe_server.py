"""A loopback server that answers as Stripe's API does, so that the real client can ask it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Thing = dict[str, Any]

CREATED = 1_795_213_165


@dataclass(frozen=True, slots=True)
class Posted:
    """A request for a session: its form, flat as it came, and the headers that matter."""

    form: dict[str, str]
    key: str
    authorization: str
    content_type: str


@dataclass(slots=True)
class Account:
    """What one Stripe account has; `troubles` are what the next requests get instead of it.

    `orders` are the requests for a session, `answers` what was answered under each key. `tag` is
    part of every session's id.

    A trouble is an HTTP status, "silence" for a connection that is closed without a word, or "hold"
    for an answer that waits until `go` is set; None lets one request pass.
    """

    payments: dict[str, Thing] = field(default_factory=dict)
    refunds: list[Thing] = field(default_factory=list)
    disputes: list[Thing] = field(default_factory=list)
    troubles: list[int | str | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sessions: dict[str, Thing] = field(default_factory=dict)
    orders: list[Posted] = field(default_factory=list)
    answers: dict[str, tuple[Posted, tuple[int, bytes]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    go: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    tag: str = ""

    def answer(self, address: str) -> tuple[int, bytes]:
        path, query = urlsplit(address).path, parse_qs(urlsplit(address).query)
        self.asked.append(path)
        *_, kind, last = path.split("/")
        if last in ("refunds", "disputes"):
            return 200, _listed(self._of(last, query), query)
        found = self.payments.get(last) or self.sessions.get(last)
        if found is None:
            error = {"type": "invalid_request_error", "code": "resource_missing"}
            return 404, _printed({"error": error | {"message": f"No such {kind}: '{last}'"}})
        return 200, _printed(found)

    def act(self, path: str, posted: Posted) -> tuple[int, bytes]:
        """Opens or expires a session; the first answer to a key is every answer to it."""
        self.asked.append(path)
        with self.lock:
            if path == "/v1/checkout/sessions":
                return self._opened(posted)
            *_, id_, verb = path.split("/")
            assert verb == "expire", path
            return self._expired(id_)

    def _opened(self, posted: Posted) -> tuple[int, bytes]:
        self.orders.append(posted)
        first, answer = self.answers.get(posted.key, (posted, None))
        if first.form != posted.form:
            return 400, _printed({"error": {"type": "idempotency_error", "message": "differs"}})
        if answer is None:
            id_ = f"cs_test_{self.tag}{len(self.sessions) + 1}"
            self.sessions[id_] = a_session(id_, posted.form, self.url)
            answer = 200, _printed(self.sessions[id_])
            self.answers[posted.key] = (posted, answer)
        return answer

    def _expired(self, id_: str) -> tuple[int, bytes]:
        session = self.sessions.get(id_)
        if session is None or session["status"] != "open" or "is_stuck" in session:
            error = {"type": "invalid_request_error", "message": f"{id_} is not open"}
            return 400 if session else 404, _printed({"error": error})
        session |= {"status": "expired", "url": None}
        return 200, _printed(session)

    def _of(self, kind: str, query: dict[str, list[str]]) -> list[Thing]:
        things = self.refunds if kind == "refunds" else self.disputes
        (field_, wanted), *_ = [
            (name, query[name][0]) for name in ("payment_intent", "charge") if name in query
        ]
        return [thing for thing in things if thing[field_] == wanted]


class _Handler(BaseHTTPRequestHandler):
    account: Account

    def do_GET(self) -> None:
        trouble = self._trouble()
        if trouble == "silence":
            self.account.asked.append(self.path)
            return
        self._tell(*self.account.answer(self.path), trouble)

    def do_POST(self) -> None:
        """A trouble here comes after the act: it was done, and nobody is told."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: each for name, (each, *_) in parse_qs(body).items()}
        told = ("idempotency-key", "authorization", "content-type")
        posted = Posted(form, *(self.headers[name] for name in told))
        trouble = self._trouble()
        answer = self.account.act(self.path, posted)
        if trouble != "silence":
            self._tell(*answer, trouble)

    def _trouble(self) -> int | str | None:
        return self.account.troubles.pop(0) if self.account.troubles else None

    def _tell(self, status: int, body: bytes, trouble: int | str | None) -> None:
        if trouble == "hold":
            self.account.go.wait(30)
        if isinstance(trouble, int):
            status = trouble
            body = _printed({"error": {"type": "api_error", "message": "trouble"}})
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("request-id", f"req_{len(self.account.asked)}")
        with suppress(OSError):  # who asked may be gone by now
            self.end_headers()
            self.wfile.write(body)

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


def a_session(id_: str, form: dict[str, str], base: str) -> Thing:
    """An open session, as the form that asks for it wants it."""
    return {
        "id": id_,
        "object": "checkout.session",
        "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
        "client_reference_id": form["client_reference_id"],
        "currency": form["line_items[0][price_data][currency]"],
        "expires_at": int(form["expires_at"]),
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "url": f"{base}/c/pay/{id_}",
    }


def a_charge(reference: str, amount_minor: int, **changes: Any) -> Thing:
    """A charge that was captured, whose fee is on the balance; `reference` without its prefix."""
    charge: Thing = {
        "id": f"ch_{reference}",
        "object": "charge",
        "amount": amount_minor,
        "amount_captured": amount_minor,
        "balance_transaction": a_transaction(f"txn_{reference}", amount_minor, fee=450),
        "captured": True,
        "created": CREATED,
        "currency": "ron",
        "livemode": False,
        "metadata": {},
        "payment_intent": f"pi_{reference}",
        "status": "succeeded",
    }
    return charge | changes


def an_intent(
    reference: str, amount_minor: int, invoice: str | None = None, **changes: Any
) -> Thing:
    """A payment intent that succeeded, with its charge."""
    intent: Thing = {
        "id": f"pi_{reference}",
        "object": "payment_intent",
        "amount": amount_minor,
        "amount_received": amount_minor,
        "created": CREATED - 5,
        "currency": "ron",
        "latest_charge": a_charge(reference, amount_minor),
        "livemode": False,
        "metadata": {} if invoice is None else {"invoice_id": invoice},
        "status": "succeeded",
    }
    return intent | changes


def a_refund(reference: str, amount_minor: int, **changes: Any) -> Thing:
    """A refund that succeeded, of the payment of that reference."""
    refund: Thing = {
        "id": f"re_{reference}",
        "object": "refund",
        "amount": amount_minor,
        "balance_transaction": a_transaction(f"txn_re_{reference}", -amount_minor, fee=0),
        "charge": f"ch_{reference}",
        "created": CREATED + 1000,
        "currency": "ron",
        "metadata": {},
        "payment_intent": f"pi_{reference}",
        "status": "succeeded",
    }
    return refund | changes


def a_dispute(reference: str, amount_minor: int, **changes: Any) -> Thing:
    """A dispute whose money was taken."""
    dispute: Thing = {
        "id": f"du_{reference}",
        "object": "dispute",
        "amount": amount_minor,
        "balance_transactions": [a_transaction(f"txn_du_{reference}", -amount_minor, fee=7500)],
        "charge": f"ch_{reference}",
        "created": CREATED + 2000,
        "currency": "ron",
        "payment_intent": f"pi_{reference}",
        "status": "needs_response",
    }
    return dispute | changes


def a_transaction(id_: str, amount_minor: int, fee: int, currency: str = "ron") -> Thing:
    """An entry of Stripe's balance."""
    return {
        "id": id_,
        "object": "balance_transaction",
        "amount": amount_minor,
        "created": CREATED + 10,
        "currency": currency,
        "fee": fee,
        "net": amount_minor - fee,
    }


def _listed(things: list[Thing], query: dict[str, list[str]]) -> bytes:
    most = int(query.get("limit", ["10"])[0])
    ids = [thing["id"] for thing in things]
    first = ids.index(query["starting_after"][0]) + 1 if "starting_after" in query else 0
    page = things[first : first + most]
    has_more = first + most < len(things)
    return _printed({"object": "list", "data": page, "has_more": has_more, "url": "/v1/x"})


def _printed(thing: Thing) -> bytes:
    """Pretty-printed as Stripe does, so that parsing and dumping changes the bytes."""
    return json.dumps(thing, indent=2).encode()
