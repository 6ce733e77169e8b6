"""A loopback server that answers as NETOPIA's API does, so that the real client can ask it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Thing = dict[str, Any]

KEY = "api-key"


@dataclass(slots=True)
class Account:
    """What one point of sale has at NETOPIA, by ntpID; `asked` are the calls, with their bodies.

    A trouble is what the next call gets instead: an HTTP status, a text for a body, "silence" for a
    connection that is closed without a word, or "lost" for one that is closed when all is done;
    None lets one call pass. Without `has_moment` no answer says when.
    """

    payments: dict[str, Thing] = field(default_factory=dict)
    credits: dict[str, list[Decimal]] = field(default_factory=dict)
    troubles: list[int | str | None] = field(default_factory=list)
    asked: list[tuple[str, Thing]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    has_moment: bool = True
    url: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def move(self, ntp_id: str, status: int) -> None:
        """Something happens to a payment at NETOPIA, and nobody is told."""
        self.payments[ntp_id]["status"] = status

    def answer(self, path: str, body: Thing) -> tuple[int, Thing]:
        with self.turn:
            self.asked.append((path, body))
            if path == "/payment/card/start":
                return self._start(body["order"])
            if path == "/operation/credit":
                return self._credit(body)
            return self._status(body)

    def _start(self, order: Thing) -> tuple[int, Thing]:
        for payment in self.payments.values():
            if payment["orderID"] == order["orderID"]:
                is_same = payment["amount"] == order["amount"]
                return 200, _error("56" if is_same else "99")
        ntp_id = str(1500001 + len(self.payments))
        told = {name: order[name] for name in ("orderID", "amount", "currency")}
        self.payments[ntp_id] = {**told, "ntpID": ntp_id, "status": 1}
        page = f"https://secure-sandbox.netopia-payments.com/ui/card?p={ntp_id}"
        shown = {**self._shown(ntp_id), "paymentURL": page}
        return 200, {**_error("101"), "customerAction": None, "payment": shown}

    def _status(self, asked: Thing) -> tuple[int, Thing]:
        payment = self.payments.get(asked["ntpID"])
        if payment is None:
            return 200, _error("98")
        order = {"orderID": payment["orderID"]}
        return 200, {**_error("00"), "order": order, "payment": self._shown(asked["ntpID"])}

    def _credit(self, asked: Thing) -> tuple[int, Thing]:
        """Each call gives back once more, as long as something is left."""
        payment = self.payments.get(asked["ntpID"])
        given = sum(self.credits.get(asked["ntpID"], []))
        if payment is None or given + asked["amount"] > Decimal(str(payment["amount"])):
            return 200, _error("99")
        self.credits.setdefault(asked["ntpID"], []).append(asked["amount"])
        payment["status"] = 8
        made = {"ntpID": asked["ntpID"], "status": 8, "amount": asked["amount"]}
        return 200, {**_error("00"), "payment": {**made, "currency": payment["currency"]}}

    def _shown(self, ntp_id: str) -> Thing:
        payment = self.payments[ntp_id]
        shown = {name: payment[name] for name in ("ntpID", "status", "amount", "currency")}
        return {**shown, "operationDate": "2026-11-20T12:51:30+02:00"} if self.has_moment else shown


class _Handler(BaseHTTPRequestHandler):
    account: Account

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.account.keys.append(self.headers["authorization"])
        if self.headers["authorization"] != KEY:
            return self._say(401, json.dumps(_error("401")))
        trouble = self.account.troubles.pop(0) if self.account.troubles else None
        if isinstance(trouble, int):
            return self._say(trouble, json.dumps(_error("12")))
        if trouble not in (None, "silence", "lost"):
            return self._say(200, str(trouble))
        if trouble == "silence":
            return None
        answer = self.account.answer(self.path, json.loads(body, parse_float=Decimal))
        return None if trouble == "lost" else self._say(answer[0], _text(answer[1]))

    def _say(self, status: int, body: str) -> None:
        with suppress(OSError):  # who asked may be gone by now
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

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
        server.shutdown()
        server.server_close()
        thread.join()


def _error(code: str) -> Thing:
    return {"error": {"code": code, "message": "as NETOPIA says"}}


def _text(told: Thing) -> str:
    return json.dumps(told, default=float)
