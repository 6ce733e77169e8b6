"""One run: the site rises, senders hurry, the storm passes, all heals, the books are judged."""

import json
import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.embedded.tether import tethered
from runtime.settings import environment
from tests.chaos import records, storm, truth, verdict
from tests.chaos.sender import Plan
from tests.chaos.site import Site
from tests.chaos.storm import Storm
from tests.chaos.verdict import Verdict
from tests.stories.plant import ROOT

SENDERS = 2
SETTLED_WITHIN_SECONDS = 150.0  # I7: a sweep, and the broker's own patience
_TOLD_EVERY_SECONDS = 5.0
_INVOICES = (("10", 40), ("1000", 60), ("100000", 200))  # price, how many for so many seconds:
_INVOICES_SECONDS = 150.0  # a longer storm does not only pay the same ones more often


@dataclass(frozen=True, slots=True)
class Floors:
    """How often it must have been possible to go wrong."""

    faults: int
    kinds: int
    of_each_kind: int
    accepted: int

    @classmethod
    def of(cls, minutes: float) -> "Floors":
        """What so many minutes must show: 150 faults and 300,000 events in ten."""
        return cls(
            faults=int(15 * minutes),
            kinds=len(storm.kinds()) if minutes >= 2 else 10,
            of_each_kind=int(0.4 * minutes),
            accepted=int(30_000 * minutes),
        )

    def missed(self, faults: Mapping[str, int], accepted: int) -> list[str]:
        """What was not reached, in words."""
        found = {
            "faults": (sum(faults.values()), self.faults),
            "kinds of fault": (sum(1 for number in faults.values() if number), self.kinds),
            "faults of each kind": (
                min(faults.get(kind, 0) for kind in storm.kinds()),
                self.of_each_kind,
            ),
            "accepted events": (accepted, self.accepted),
        }
        return [
            f"floor not reached: {was} {what}, {least} wanted"
            for what, (was, least) in found.items()
            if was < least
        ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    line: str
    complaints: tuple[str, ...]
    is_good: bool


class Run:
    """One storm of so many seconds; `say` is told how it goes."""

    def __init__(
        self, seed: int, seconds: float, rate: float, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._seed = seed
        self._seconds = seconds
        self._rate = rate
        self._folder = folder
        self._say = say
        self._rng = random.Random(seed)
        self._senders: list[subprocess.Popen[bytes]] = []

    def go(self, floors: Floors) -> Outcome:
        """Everything, in order. Ends every process it started."""
        site = Site(self._folder, self._rng)
        try:
            invoices = self._prepare(site)
            site.open()
            self._say(f"ready; {len(invoices)} invoices, {len(storm.kinds())} kinds of fault")
            self._start_senders(site, invoices)
            weather = self._weather(site)
            healed_seconds = self._heal(site)
            return self._judge(site, weather, healed_seconds, floors)
        finally:
            for sender in self._senders:
                sender.kill()
                sender.wait()
            site.close()

    def _prepare(self, site: Site) -> tuple[str, ...]:
        client = site.desk.open()
        times = math.ceil(self._seconds / _INVOICES_SECONDS)
        return tuple(
            str(site.desk.invoice(client, price).number)
            for price, number in _INVOICES
            for _ in range(times * number)
        )

    def _start_senders(self, site: Site, invoices: tuple[str, ...]) -> None:
        plan = Plan(self._seed, SENDERS, self._rate, site.ports, invoices)
        plan.write(self._folder / "plan.json")
        for share in range(SENDERS):
            program = (sys.executable, "-m", "tests.chaos.sender", str(self._folder), str(share))
            with (self._folder / f"sender-{share}.log").open("ab") as log:
                sender = subprocess.Popen(
                    tethered(program, farewell=signal.SIGKILL),
                    cwd=ROOT,
                    env=environment(),
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._senders.append(sender)

    def _weather(self, site: Site) -> Storm:
        """Lets the storm pass; answers it when its last fault is healed."""
        began = told = time.monotonic()
        weather = Storm(site, self._rng, every_seconds=min(3.2, self._seconds / 24))
        while (now := time.monotonic()) < began + self._seconds:
            assert all(sender.poll() is None for sender in self._senders), "a sender died"
            weather.tick()
            site.revive(left_alone=weather.struck)
            if now - told > _TOLD_EVERY_SECONDS:
                told = now
                self._tell(now - began, weather)
            time.sleep(0.05)
        while not weather.is_over:
            weather.heal()
            time.sleep(0.05)
        return weather

    def _heal(self, site: Site) -> float:
        """Seconds until nothing waits any more, senders included; fails when nothing moves."""
        began = moved = told = time.monotonic()
        for sender in self._senders:
            sender.terminate()
        before = ""
        while busy := self._busy(site):
            now = time.monotonic()
            moved, before = (moved, before) if busy == before else (now, busy)
            assert now - moved < SETTLED_WITHIN_SECONDS, f"{busy}, and nothing moves"
            if now - told > _TOLD_EVERY_SECONDS:
                told = now
                self._say(f"{now - began:5.0f} s after the storm: {busy}")
            site.revive(left_alone=set())
            time.sleep(0.2)
        return time.monotonic() - began

    def _busy(self, site: Site) -> str:
        """What is still to be done, in words; empty when nothing is."""
        if any(sender.poll() is None for sender in self._senders):
            return "deliveries are not accepted"
        ((waiting,),) = site.desk.query(
            "SELECT count(*) FROM inbox WHERE state IN ('received', 'parked')"
        )
        return f"{waiting} events wait" if waiting else ""

    def _judge(self, site: Site, weather: Storm, healed_seconds: float, floors: Floors) -> Outcome:
        known = truth.told(records.read(self._folder))
        found = verdict.judge(site.plant.postgres_dsn, known)
        self._show(known, weather.counts, site.revived, healed_seconds)
        complaints = [
            *found.complaints(),
            *floors.missed(weather.counts, found.accepted),
            *_audit(site),
        ]
        if healed_seconds > SETTLED_WITHIN_SECONDS:
            complaints.append(f"settled only {healed_seconds:.0f} s after the last fault")
        complaints += [f"sender {n} failed" for n, s in enumerate(self._senders) if s.returncode]
        for complaint in complaints:
            self._say(complaint)
        return Outcome(_line(found, weather.counts), tuple(complaints), not complaints)

    def _tell(self, seconds: float, weather: Storm) -> None:
        accepted = sum(_lines(path) for path in self._folder.glob(f"*{records.SUFFIX}"))
        faults = sum(weather.counts.values())
        self._say(f"{seconds:5.0f} s  {accepted:9,} accepted  {faults:4} faults  {weather.last}")

    def _show(
        self, known: truth.Truth, counts: Counter[str], revived: int, healed_seconds: float
    ) -> None:
        self._say(f"\n{'kind of fault':28} times")
        for kind in storm.kinds():
            self._say(f"{kind:28} {counts[kind]:5}")
        answers: Counter[str] = Counter()
        for path in self._folder.glob("*.answers"):
            answers.update(json.loads(path.read_text()))
        told = ", ".join(f"{number:,} x {status}" for status, number in answers.most_common())
        self._say(f"\nanswers (0: none came): {told}")
        self._say(f"2xx on record, duplicates included: {known.answers:,}")
        self._say(f"payments told of: {len(known.payments):,}")
        self._say(f"senseless events, dead as they must be: {len(known.senseless):,}")
        self._say(f"processes that died of themselves and were started again: {revived}")
        self._say(f"settled {healed_seconds:.1f} s after the last fault\n")


def _audit(site: Site) -> list[str]:
    """What `incasso audit` complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "audit"],
        cwd=ROOT,
        env=environment(DATABASE_URL=site.plant.postgres_dsn, LOCAL_DIR=str(site.plant.folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if done.returncode == 0 else [f"audit: {done.stdout}{done.stderr}"]


def _line(found: Verdict, counts: Counter[str]) -> str:
    return (
        f"accepted={found.accepted} settled={found.settled} lost={len(found.lost)}"
        f" doubled={len(found.doubled)} faults={counts.total()}"
    )


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
