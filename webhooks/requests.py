"""What is taken from a stranger before anything is known about him: little, plain and in time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from gateways.port import Reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BODY_BYTES = 256 * 1024
BODY_SECONDS = 10.0
_TOO_LATE = "the body did not come in time"


class Unacceptable(Exception):  # noqa: N818 - named after the request, as the errors of the domain
    """The request is not read to its end; the connection closes after the reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


TOO_LARGE = Reply(413, b'{"error":"too large"}', b"application/json")
ENCODED = Reply(415, b'{"error":"send the body unencoded"}', b"application/json")
TOO_SLOW = Reply(408, b'{"error":"too slow"}', b"application/json")
GONE = Reply(400, b'{"error":"incomplete"}', b"application/json")


async def body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, at most MOST_BODY_BYTES of it within BODY_SECONDS; else Unacceptable."""
    _look_at(scope["headers"])
    reader = asyncio.current_task()
    assert reader is not None
    # asyncio.timeout would do, at three times the price; nearly every body is there already.
    too_late = asyncio.get_running_loop().call_later(BODY_SECONDS, reader.cancel, _TOO_LATE)
    try:
        return await _read(receive)
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_TOO_LATE,):
            raise
        reader.uncancel()
        raise Unacceptable(TOO_SLOW) from None
    finally:
        too_late.cancel()


def _look_at(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """A compressed body can be small on the wire and endless in memory: none is accepted."""
    for name, value in headers:
        if name == b"content-encoding" and value.lower() != b"identity":
            raise Unacceptable(ENCODED)
        if name == b"content-length" and not _is_small(value):
            raise Unacceptable(TOO_LARGE)


def _is_small(length: bytes) -> bool:
    return length.isdigit() and len(length) < 10 and int(length) <= MOST_BODY_BYTES


async def _read(receive: Receive) -> bytes:
    """Counts what comes, whatever was announced."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unacceptable(GONE)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise Unacceptable(TOO_LARGE)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
