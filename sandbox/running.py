"""A sandbox that runs: in this process until it is told to stop, or beside a test in a thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import uvicorn

from sandbox import app, clock, control
from sandbox.clock import Clock
from sandbox.ledger import Row
from sandbox.options import Options
from sandbox.world import World

T = TypeVar("T")

_START_SECONDS = 30.0


class StillWaiting(Exception):  # noqa: N818 - says what is so
    """What was to happen by itself did not happen in time."""


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox in another thread; whatever is asked of its world is done on its own loop."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def ask(self, question: Callable[[World], T]) -> T:
        """The answer of the world, which stands still meanwhile."""

        async def asked() -> T:
            return question(self.world)

        return asyncio.run_coroutine_threadsafe(asked(), self.loop).result(_START_SECONDS)

    def turn(self, gateway: str, **knobs: object) -> None:
        """Turn one gateway's knobs; BadKnob when that cannot be."""
        self.ask(lambda world: world.knobs[gateway].turn(knobs))

    def counted(self, gateway: str) -> dict[str, int]:
        """How often each thing really happened."""
        return self.ask(lambda world: dict(world.knobs[gateway].counters))

    def rows(self, gateway: str) -> tuple[Row, ...]:
        """The gateway's own ledger."""
        return self.ask(lambda world: world.gateways[gateway].ledger.rows())

    def resend(self) -> int:
        """Send again what nobody took; how many events these were."""
        return self.ask(control.resend_undelivered)

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until nothing is under way; StillWaiting when something stays so long."""

        async def quiet() -> None:
            while self.world.waiting:
                await asyncio.sleep(0.01)

        future = asyncio.run_coroutine_threadsafe(quiet(), self.loop)
        try:
            future.result(seconds)
        except TimeoutError:
            future.cancel()
            waiting = self.ask(lambda world: world.waiting)
            raise StillWaiting(f"{waiting} deliveries are under way") from None


@contextmanager
def beside(options: Options, now: Clock = clock.now) -> Iterator[Running]:
    """A sandbox in a thread of its own, on a port of its own, while the block runs.

    `now` is what time it is at the gateways; waits of deliveries are not measured by it.
    """
    with listening(0) as listener:
        url = address(listener)
        world = World(options, url, now)
        server = uvicorn.Server(_config(world))
        thread = threading.Thread(target=server.run, args=([listener],), name="sandbox")
        loops: list[asyncio.AbstractEventLoop] = []
        started = threading.Event()

        def started_here() -> None:
            loops.append(asyncio.get_running_loop())
            started.set()

        world.on_start = started_here
        thread.start()
        try:
            if not started.wait(_START_SECONDS):
                raise StillWaiting("the sandbox does not start")
            yield Running(url, world, loops[0])
        finally:
            server.should_exit = True
            thread.join(_START_SECONDS)


def here(world: World, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until a signal ends it; `ready` is called once it answers."""
    world.on_start = ready
    uvicorn.Server(_config(world)).run([listener])


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A listening socket on loopback; port 0 is any free one."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        yield listener


def address(listener: socket.socket) -> str:
    """What the socket is called by a browser."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _config(world: World) -> uvicorn.Config:
    return uvicorn.Config(
        app.made(world), log_level="warning", log_config=None, access_log=False, loop="asyncio"
    )
