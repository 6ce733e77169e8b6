"""Keys are fetched outside of `authenticate`: once, within bounds, from where the rules lead."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from domain.errors import TryLater
from webhooks import keys
from webhooks.keys import MOST_BYTES, MOST_FETCHES, MOST_WAITING, Keys

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@dataclass
class Host:
    """Who publishes keys; `answers` are taken in turn, the last one stays."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b" ")[1].decode())
        await self.go.wait()
        writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        writer.close()


def said(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), b"connection: close"]
    return b"\r\n".join([*lines, *headers, b"", body])


@asynccontextmanager
async def publishing(*answers: bytes) -> AsyncIterator[tuple[Host, Keys]]:
    host, held = Host(answers=list(answers)), Keys()
    host.go.set()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield host, held
    finally:
        await held.close()
        server.close()
        await server.wait_closed()


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def played() -> None:
        await play()

    asyncio.run(played())


def test_all_who_need_one_key_share_one_fetch_and_then_the_key():
    async def play() -> None:
        async with publishing(said(PEM)) as (host, held):
            host.go.clear()
            asking = [asyncio.create_task(held.fetch(f"{host.url}/a")) for _ in range(50)]
            await until(lambda: len(host.asked) == 1)
            host.go.set()

            assert await asyncio.gather(*asking) == [PEM] * 50
            assert host.asked == ["/a"]
            assert held.known == {f"{host.url}/a": PEM}

    run(play)


@pytest.mark.parametrize(
    "answer",
    [
        said(PEM, b"404 Not Found"),
        said(PEM, b"500 Oh"),
        said(PEM, b"204 No Content"),
        said(b"", b"302 Found", b"location: /b"),
        said(PEM, b"301 Moved", b"location: http://169.254.169.254/"),
        said(b"<html>busy</html>"),
        said(b""),
        said(PEM + b"x" * MOST_BYTES),
        b"no HTTP at all",
        b"",
    ],
    ids=["404", "500", "204", "302", "301", "no PEM", "nothing", "too long", "no HTTP", "hung up"],
)
def test_what_is_no_key_is_not_held_and_not_asked_for_again_at_once(answer: bytes):
    async def play() -> None:
        async with publishing(answer) as (host, held):
            for _ in range(3):
                with pytest.raises(TryLater):
                    await held.fetch(f"{host.url}/a")

            assert host.asked == ["/a"]
            assert held.known == {}

    run(play)


def test_a_host_that_is_silent_for_a_while_is_asked_again_after_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys, "SILENT_SECONDS", 0.0)

    async def play() -> None:
        async with publishing(said(b"", b"503 Busy"), said(PEM)) as (host, held):
            with pytest.raises(TryLater):
                await held.fetch(f"{host.url}/a")

            assert await held.fetch(f"{host.url}/a") == PEM

    run(play)


def test_a_slow_host_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keys, "FETCH_SECONDS", 0.3)

    async def play() -> None:
        async with publishing(said(PEM)) as (host, held):
            host.go.clear()
            with pytest.raises(TryLater):
                await asyncio.wait_for(held.fetch(f"{host.url}/a"), 10)
            host.go.set()

    run(play)


def test_the_deadline_leaves_time_for_an_answer_within_three_seconds():
    assert keys.FETCH_SECONDS <= 2.5


def test_an_old_key_is_fetched_anew_and_held_on_to_while_its_host_is_away(
    monkeypatch: pytest.MonkeyPatch,
):
    async def play() -> None:
        other = PEM.replace(b"AAAA", b"BBBB")
        async with publishing(said(PEM), said(b"", b"500 Oh"), said(other)) as (host, held):
            address = f"{host.url}/a"
            monkeypatch.setattr(keys, "HELD_SECONDS", 0.01)
            monkeypatch.setattr(keys, "SILENT_SECONDS", 0.01)
            assert await held.fetch(address) == PEM
            await until(lambda: not held.known)

            assert await held.fetch(address) == PEM
            assert held.known == {address: PEM}
            await until(lambda: not held.known)
            monkeypatch.setattr(keys, "HELD_SECONDS", 3600.0)

            assert await held.fetch(address) == other
            assert held.known == {address: other}
            assert len(host.asked) == 3

    run(play)


def test_only_a_few_fetches_are_under_way_and_only_so_many_wait():
    async def play() -> None:
        async with publishing(said(PEM)) as (host, held):
            host.go.clear()
            asking = [
                asyncio.create_task(held.fetch(f"{host.url}/{number}"))
                for number in range(MOST_FETCHES)
            ]
            await until(lambda: len(host.asked) == MOST_FETCHES)
            with pytest.raises(TryLater):
                await held.fetch(f"{host.url}/more")
            asking += [
                asyncio.create_task(held.fetch(f"{host.url}/0"))
                for _ in range(MOST_WAITING - MOST_FETCHES)
            ]
            await asyncio.sleep(0)
            with pytest.raises(TryLater):
                await held.fetch(f"{host.url}/0")
            host.go.set()

            assert await asyncio.gather(*asking) == [PEM] * MOST_WAITING
            assert len(host.asked) == MOST_FETCHES

    run(play)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)
