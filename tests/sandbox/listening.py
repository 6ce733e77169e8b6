"""Somebody who takes the pretend gateways' deliveries, and answers as the test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Taken:
    """One delivery, byte for byte; the headers' names are in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """What its JSON says that it is; of what is sealed nobody can say."""
        if not self.body.startswith(b"{"):
            return "sealed"
        told = self.json
        payment = told.get("payment")
        status = payment.get("status") if isinstance(payment, dict) else None  # NETOPIA's
        return str(told.get("type") or told.get("event_type") or status)


@dataclass(slots=True)
class Listener:
    """What came, in the order in which it came."""

    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # of the next answers; 200 when used up
    bodies: list[bytes] = field(default_factory=list)  # of the next answers, then of all others:
    body: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kinds(self) -> list[str]:
        return [each.kind for each in self.taken]

    def one(self, kind: str) -> Any:
        """The event of this kind, of which there is one."""
        (found,) = [each.json for each in self.taken if each.kind == kind]
        return found

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        with self.lock:
            status = self.statuses.pop(0) if self.statuses else 200
            self.taken.append(Taken(path, headers, body, status))
            return status, self.bodies.pop(0) if self.bodies else self.body


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = listener.take(self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}/webhooks"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
