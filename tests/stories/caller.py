"""A gateway's connection to our door: kept alive, opened anew when it broke, cheap enough to hurry.

Written by hand on asyncio because a client library costs several times what the door itself does.
"""

import asyncio
import hmac
from hashlib import sha256
from time import monotonic

from runtime import clock
from tests import stripe_events

Broken = (OSError, asyncio.IncompleteReadError, TimeoutError)


class Caller:
    """One connection to `port` on this machine; one delivery at a time."""

    def __init__(self, port: int, timeout_seconds: float = 10.0) -> None:
        self.port = port
        self._timeout_seconds = timeout_seconds
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """Delivers a signed event; answers the status. Raises one of `Broken` when none came."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._exchange(_request(body))
        except BaseException:
            self.close()
            raise

    async def timed(self, body: bytes) -> tuple[int, float]:
        """The status, and the seconds it took."""
        began = monotonic()
        return await self.post(body), monotonic() - began

    def close(self) -> None:
        """Hangs up; the next delivery calls again."""
        line, self._line = self._line, None
        if line is not None:
            line[1].close()

    async def _exchange(self, request: bytes) -> int:
        if self._line is None:
            self._line = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._line
        if writer.is_closing():  # hung up on since; uvloop would raise something of its own
            raise ConnectionResetError
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:-2])
        await reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"connection") == b"close":
            self.close()
        return int(lines[0].split(b" ", 2)[1])


def _request(body: bytes) -> bytes:
    return (
        b"POST /webhooks/stripe HTTP/1.1\r\nhost: door\r\ncontent-type: application/json\r\n"
        b"stripe-signature: %b\r\ncontent-length: %d\r\n\r\n%b"
        % (_signature(body), len(body), body)
    )


def _signature(body: bytes) -> bytes:
    """As Stripe signs, at this very second: a delivery that is tried again is signed again."""
    second = b"%d" % clock.now().timestamp()
    digest = hmac.new(stripe_events.SECRET.encode(), second + b"." + body, sha256).hexdigest()
    return b"t=%b,v1=%b" % (second, digest.encode())
