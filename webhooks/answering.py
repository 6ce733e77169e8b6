"""How an answer goes out: its head, and what it tells whoever is to come again or to hang up."""

from functools import lru_cache

from gateways.port import Reply
from webhooks.requests import Message, Send

_RETRY_AFTER_SECONDS = 5
CLOSE = (b"connection", b"close")


async def send(send_: Send, reply: Reply, *headers: tuple[bytes, bytes]) -> None:
    """Sends one answer, whole."""
    await send_(_head(reply.status, reply.content_type, len(reply.body), headers))
    await send_({"type": "http.response.body", "body": reply.body})


@lru_cache(maxsize=512)
def _head(
    status: int, content_type: bytes, length: int, more: tuple[tuple[bytes, bytes], ...]
) -> Message:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(length).encode()),
        *more,
    ]
    if status == 503:
        headers.append((b"retry-after", str(_RETRY_AFTER_SECONDS).encode()))
    return {"type": "http.response.start", "status": status, "headers": headers}
