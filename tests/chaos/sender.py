"""A gateway, in a process of its own: posts reports in a hurry, and comes again until it hears 2xx.

Told to end (SIGTERM) it begins nothing new, delivers what is still open, and writes its figures.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from time import monotonic

import uvloop

from tests.chaos.deliveries import Delivery, deliveries
from tests.chaos.records import Recorder
from tests.stories.caller import Broken, Caller

CONNECTIONS = 24
_BREATH_SECONDS = 0.2  # after anything but a 2xx; real gateways take minutes


@dataclass(frozen=True, slots=True)
class Plan:
    """What the senders of a run are told; `rate` is of all of them, in deliveries per second."""

    seed: int
    senders: int
    rate: float
    ports: tuple[int, ...]
    invoices: tuple[str, ...]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))


class Sender:
    """One gateway with many connections."""

    def __init__(self, plan: Plan, share: int, folder: Path) -> None:
        self._fresh = deliveries(plan.seed, share, plan.invoices)
        self._ports = plan.ports
        self._rate = plan.rate / plan.senders
        self._recorder = Recorder(folder, share)
        self._again: list[tuple[float, int, Delivery]] = []
        self._tickets = count()
        self._open = 0
        self._begun = 0
        self._is_ending = False
        self.answers: Counter[int] = Counter()

    async def run(self) -> None:
        """Returns when it was told to end and every delivery has its 2xx."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end)
        self._began_at = monotonic()
        await asyncio.gather(*(self._talk(number) for number in range(CONNECTIONS)))

    def _end(self) -> None:
        self._is_ending = True

    async def _talk(self, number: int) -> None:
        """One connection's life; one that breaks calls at the next door."""
        callers = [Caller(port) for port in self._ports]
        while (delivery := await self._next()) is not None:
            caller = callers[number % len(callers)]
            try:
                status = await caller.post(delivery.body)
            except Broken:
                status = 0
            self._open -= 1
            self.answers[status] += 1
            if 200 <= status < 300:
                self._recorder.note(delivery)
                continue
            number += 1
            due = monotonic() + _BREATH_SECONDS
            heappush(self._again, (due, next(self._tickets), delivery))
            await asyncio.sleep(_BREATH_SECONDS)

    async def _next(self) -> Delivery | None:
        """What was refused and is due comes first; None when everything is delivered."""
        while True:
            now = monotonic()
            if self._again and self._again[0][0] <= now:
                self._open += 1
                return heappop(self._again)[2]
            if self._is_ending and not self._again and not self._open:
                return None
            if not self._is_ending and self._begun <= (now - self._began_at) * self._rate:
                self._begun += 1
                self._open += 1
                return next(self._fresh)
            await asyncio.sleep(0.01)


def main(folder: Path, share: int) -> None:
    """Sends one share of the plan that lies in the folder."""
    told = json.loads((folder / "plan.json").read_text())
    sender = Sender(Plan(**told), share, folder)
    uvloop.run(sender.run())
    (folder / f"{share}.answers").write_text(json.dumps(sender.answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
