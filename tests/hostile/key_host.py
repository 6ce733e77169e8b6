"""Where certificates lie, good ones and others: counts everybody who only so much as connects."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateways.paypal_certificates import SANDBOX_NAME
from tests import paypal_seal
from tests.paypal_seal import Seal, a_seal

_PAST = datetime(2019, 1, 1, tzinfo=UTC)
_FUTURE = datetime(2039, 1, 1, tzinfo=UTC)
_PATH = "/v1/notifications/certs/"

# What a name begins with says what lies there; what follows makes it a new one.
SEALS: dict[str, Callable[[], Seal]] = {
    "good": a_seal,
    "self": paypal_seal.a_self_signed_seal,
    "stranger": paypal_seal.a_strangers_seal,
    "alone": lambda: paypal_seal.alone(paypal_seal.a_strangers_seal()),
    "expired": lambda: a_seal(ends=datetime(2026, 1, 1, tzinfo=UTC)),
    "unborn": lambda: a_seal(began=_FUTURE),
    "other": lambda: a_seal("api.paypal.com"),
    "evil": lambda: a_seal(f"{SANDBOX_NAME}.evil.tld"),
    "twofaced": lambda: a_seal(SANDBOX_NAME, "evil.tld"),
    "weak": lambda: a_seal(bits=1024),
}


@dataclass
class KeyHost:
    """`connections` counts who came, `asked` what was asked for; away, it answers nobody."""

    url: str = ""
    port: int = 0
    connections: int = 0
    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def address(self, name: str) -> str:
        return f"{self.url}{_PATH}{name}"

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        kind = path.removeprefix(_PATH).partition("-")[0]
        match kind:
            case "redirect":
                return 302, b""
            case "missing":
                return 404, a_seal().chain
            case "huge":
                return 200, a_seal().chain + b"\n" * 10_000_000
            case "html":
                return 200, b"<html>please wait</html>"
            case "junk":
                return 200, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
            case "slow":
                time.sleep(4)
        return 200, SEALS.get(kind, a_seal)().chain


@contextmanager
def serving() -> Iterator[KeyHost]:
    host = KeyHost()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def verify_request(self, *_: object) -> bool:
            host.connections += 1
            return not host.is_away

        def handle_error(self, *_: object) -> None:
            """Who asked may be gone before he has heard it all."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = host.answer(self.path)
            with suppress(OSError):
                self.send_response(status)
                self.send_header("location", host.address("good-redirected"))
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    host.port = server.server_port
    host.url = f"http://127.0.0.1:{host.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
