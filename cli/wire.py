"""The server's end of one connection: nobody may hold it, or fill our memory, by talking on.

uvicorn bounds neither how long a head is nor how long it takes to come.
"""

import asyncio
import logging
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cli.gathering import Gathering

MOST_HEAD_BYTES = 32 * 1024
HEAD_SECONDS = 10.0
MESSAGE_SECONDS = 60.0

_LINE = 4

# A body in chunks of one byte brings five bytes of framing for each.
_FRAMING = 8

# uvicorn warns of every malformed request: a stranger could fill the disk. Errors are still told.
_log = logging.getLogger("uvicorn.error.wire")
_log.setLevel(logging.ERROR)


class Wire(HttpToolsProtocol):
    """A head of at most MOST_HEAD_BYTES within HEAD_SECONDS, the rest within MESSAGE_SECONDS.

    What is longer is answered with 400; who is slower is hung up on.
    """

    _due: float | None = None
    _clock: asyncio.TimerHandle | None = None
    _bare_bytes = 0

    def __init__(self, *what: Any, **named: Any) -> None:
        super().__init__(*what, **named)
        self.logger = _log

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        gathering = Gathering(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, gathering))
        self._expect_within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self._unwind()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._due is None:  # empty lines before a request begin it too
            self._expect_within(HEAD_SECONDS)
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Too much head.")

    def on_headers_complete(self) -> None:
        """What is raised here the parser hands to uvicorn as a malformed request."""
        if len(self.url) + sum(map(_length, self.headers)) > MOST_HEAD_BYTES:
            raise ValueError("too much head")
        self._bare_bytes = 0
        self._expect_within(MESSAGE_SECONDS)
        super().on_headers_complete()
        self.headers = []  # trailers would join the head that was judged

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = max(0, self._bare_bytes - _FRAMING * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bare_bytes = 0
        self._expect_nothing()
        super().on_message_complete()

    def _expect_within(self, seconds: float) -> None:
        """Moves the end; the clock is wound again only if it would ring too late."""
        self._due = self.loop.time() + seconds
        if self._clock is None or self._clock.when() > self._due:
            self._wind(seconds)

    def _expect_nothing(self) -> None:
        self._due = None

    def _wind(self, seconds: float) -> None:
        self._unwind()
        self._clock = self.loop.call_later(seconds, self._ring)

    def _unwind(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _ring(self) -> None:
        """Hangs up on who is late; a request that began since then has its own end."""
        self._clock = None
        if self._due is None:
            return
        left_seconds = self._due - self.loop.time()
        if left_seconds > 0:
            self._wind(left_seconds)
        else:
            self.transport.close()


def _length(header: tuple[bytes, bytes]) -> int:
    """As it came: with a colon, a space and the end of the line."""
    return len(header[0]) + len(header[1]) + _LINE
