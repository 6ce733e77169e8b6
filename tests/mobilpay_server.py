"""A loopback server that answers as MobilPay's SOAP service does, so that the real client can ask.

Written from the clients that others published, with no code of ours.
"""

import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "merchant-api", "p&ss <word>"
PATH = "/api/payment2/"

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(slots=True)
class Account:
    """What one point of sale has at MobilPay: its orders, and what went back of each.

    A trouble is what the next call of that verb gets instead: an HTTP status, a text for a body,
    "silence" for a connection that is closed without a word, or "lost" for one that is closed when
    all is done. `whenever` is called when money went back, before anybody hears of it.
    """

    orders: dict[str, Decimal] = field(default_factory=dict)
    credits: dict[str, list[Decimal]] = field(default_factory=dict)
    troubles: dict[str, list[int | str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    whenever: Callable[[], object] = lambda: None
    namespace: str = ""
    url: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def calls(self, verb: str) -> int:
        return sum(name == verb for name, _ in self.asked)

    def answer(self, verb: str, asked: dict[str, str]) -> tuple[int, str]:
        with self.turn:
            self.asked.append((verb, asked))
            return self._session(asked) if verb == "logIn" else self._credit(asked)

    def _session(self, asked: dict[str, str]) -> tuple[int, str]:
        if (asked["username"], asked["password"]) != (USER, PASSWORD):
            return 500, fault("SOAP-ENV:Server", "Invalid credentials")
        return 200, self.result("logIn", "<id>9f3c</id>")

    def _credit(self, asked: dict[str, str]) -> tuple[int, str]:
        """Each call gives back once more, as long as something is left."""
        if asked["sessionId"] != "9f3c" or asked["orderId"] not in self.orders:
            return 500, fault("48", "gwInvalidRequest")
        order, amount = asked["orderId"], Decimal(asked["amount"])
        if sum(self.credits.get(order, ())) + amount > self.orders[order]:
            return 200, self.result("credit", "<code>54</code><message>gwCreditAbove</message>")
        self.credits.setdefault(order, []).append(amount)
        self.whenever()
        return 200, self.result("credit", "<code>0</code><message>gwApproved</message>")

    def result(self, verb: str, inside: str) -> str:
        return _envelope(
            f'<ns1:{verb}Response xmlns:ns1="{self.namespace}"><{verb}Result>{inside}'
            f"</{verb}Result></ns1:{verb}Response>"
        )


def fault(code: str, text: str) -> str:
    told = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
    return _envelope(f"<SOAP-ENV:Fault>{told}</SOAP-ENV:Fault>")


def _envelope(inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}">'
        f"<SOAP-ENV:Body>{inside}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


class _Handler(BaseHTTPRequestHandler):
    account: Account

    def do_POST(self) -> None:
        body = ET.fromstring(self.rfile.read(int(self.headers.get("content-length") or 0)))
        (call,) = body.iterfind(f"{{{_ENVELOPE}}}Body/*")
        namespace, _, verb = call.tag.removeprefix("{").partition("}")
        (request,) = call
        assert (self.path, namespace) == (PATH, self.account.namespace)
        assert self.headers["content-type"].startswith("text/xml")
        troubles = self.account.troubles.get(verb)
        trouble = troubles.pop(0) if troubles else None
        if isinstance(trouble, int):
            return self._say(trouble, "<html>")
        if trouble not in (None, "silence", "lost"):
            return self._say(200, str(trouble))
        if trouble == "silence":
            return None
        answer = self.account.answer(verb, {each.tag: each.text or "" for each in request})
        return None if trouble == "lost" else self._say(*answer)

    def _say(self, status: int, body: str) -> None:
        with suppress(OSError):  # who asked may be gone by now
            self.send_response(status)
            self.send_header("content-type", "text/xml; charset=utf-8")
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
    account.url = account.namespace = f"http://127.0.0.1:{server.server_port}{PATH}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
