"""The door behind its real server, to strangers who do not speak HTTP as one should."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
import uvicorn
import uvloop

from tests.gateways.deliveries import stripe_header
from tests.webhooks.knocking import an_event, kept, now, open_door
from webhooks import requests

NOWHERE = "redis+socket:///nowhere/redis.sock"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[int]:
    """The door on a loopback port, under the server and the loop it has in production."""
    async with open_door(dsn, NOWHERE) as door:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            door, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server._serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            await running
            listening.close()


def request(body: bytes, *headers: bytes) -> bytes:
    lines = (b"POST /webhooks/stripe HTTP/1.1", b"Host: pay.example", *headers, b"", body)
    return b"\r\n".join(lines)


def signed(body: bytes) -> bytes:
    length = b"Content-Length: " + str(len(body)).encode()
    return request(body, b"Stripe-Signature: " + stripe_header(body, at=now()), length)


async def opened(port: int, said: bytes) -> Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    return reader, writer


async def all_said(connection: Connection) -> bytes:
    """What the server says until it hangs up."""
    reader, writer = connection
    said = await asyncio.wait_for(reader.read(), timeout=10)
    writer.close()
    return said


async def status(connection: Connection) -> bytes:
    reader, writer = connection
    line = await asyncio.wait_for(reader.readline(), timeout=10)
    writer.close()
    return line.split(b" ")[1]


def test_a_slow_body_is_closed_and_others_are_served_meanwhile(
    fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.5)

    async def run() -> tuple[bytes, float, list[bytes]]:
        async with serving(fresh_dsn) as port:
            began = monotonic()
            slow = await opened(port, request(b"{", b"Content-Length: 1000"))
            others = [await status(await opened(port, signed(an_event("evt_1")))) for _ in range(5)]
            said = await all_said(slow)
            return said, monotonic() - began, others

    said, seconds, others = uvloop.run(run())

    assert b" 408 " in said
    assert 0.5 <= seconds < 5
    assert others == [b"200"] * 5


def test_an_endless_chunked_body_is_closed(fresh_dsn: str):
    async def run() -> int:
        """How many pieces of 64 KiB went out before the server hung up."""
        async with serving(fresh_dsn) as port:
            _, writer = await opened(port, request(b"", b"Transfer-Encoding: chunked"))
            for sent in range(1_000):
                try:
                    writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                    await writer.drain()
                except ConnectionError:
                    return sent
            return 1_000

    assert uvloop.run(run()) < 500


TWO_FACED = {
    "two lengths": (b"Content-Length: 2", b"Content-Length: 3"),
    "a length and chunks": (b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "a negative length": (b"Content-Length: -1",),
    "a length in words": (b"Content-Length: two",),
    "a folded line": (b"X-Note: one", b" two", b"Content-Length: 2"),
    "a bare line end": (b"X-Note: one\nX-Other: two", b"Content-Length: 2"),
}


@pytest.mark.parametrize("headers", TWO_FACED.values(), ids=TWO_FACED.keys())
def test_a_request_that_could_be_read_in_two_ways_is_refused(
    fresh_dsn: str, headers: tuple[bytes, ...]
):
    async def run() -> bytes:
        async with serving(fresh_dsn) as port:
            return await status(await opened(port, request(b"{}", *headers)))

    assert uvloop.run(run()) == b"400"
    assert kept(fresh_dsn) == []
