"""What the sandbox needs of each gateway that it pretends: one object, made by one function."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.delivery import Judge, Post, Wrap, by_status
from sandbox.ids import Ids
from sandbox.knobs import Knobs
from sandbox.ledger import Ledger
from sandbox.options import Options

Account_co = TypeVar("Account_co", covariant=True)


class NotDone(Exception):  # noqa: N818 - says what is so
    """What a gateway refuses, whoever asks; each has errors of its own shape below this."""


class Site:
    """What all gateways stand on; to be touched on its own event loop only."""

    def __init__(self, options: Options, own_url: str, clock: Clock) -> None:
        self.options = options
        self.own_url = own_url  # what the address of every page begins with
        self.clock = clock
        self.ids = Ids(options.seed)
        self._awaited: set[asyncio.TimerHandle] = set()

    @property
    def waiting(self) -> int:
        """How many acts are still to happen by themselves."""
        return len(self._awaited)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let it happen by itself, so many real seconds from now."""

        def acted() -> None:
            self._awaited.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(seconds, acted)
        self._awaited.add(handle)

    def post(self, name: str, wrap: Wrap, waits: Sequence[float], judge: Judge = by_status) -> Post:
        """A gateway's post, with knobs of its own; the waits are those of the real one."""
        scaled = [wait * self.options.retry_scale for wait in waits]
        knobs = Knobs(self.options.seed)
        return Post(f"{self.options.webhooks}/{name}", wrap, knobs, scaled, judge)

    def close(self) -> None:
        """Nothing happens by itself any more."""
        for each in self._awaited:
            each.cancel()


@dataclass(frozen=True, slots=True)
class Gateway(Generic[Account_co]):
    """One pretended gateway: `account` holds what it knows, the rest is how it is met.

    `routes` are below its own name, `roots` at the sandbox's root. `act` presses a button of the
    panel: the id, the button's name, the amount that was typed; NotDone when that cannot be.
    """

    name: str
    title: str
    account: Account_co
    ledger: Ledger
    post: Post
    routes: Sequence[Route]
    articles: Callable[[], Iterable[str]]
    act: Callable[[str, str, Decimal | None], None]
    roots: Sequence[Route] = ()
    told: Callable[[], Mapping[str, object]] = dict  # what /control shows beside the knobs
