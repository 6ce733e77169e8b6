"""Load from separate processes: told what to send, started together, their results put together."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.ground import SECRET
from benchmarks.processes import ROOT
from benchmarks.series import Series
from runtime import clock

PROCESSES = 2
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Seen:
    """What senders saw; moments are monotonic, and those of the first post and the last answer."""

    began_at: float
    ended_at: float
    accepted: int
    refused: int
    latencies: tuple[float, ...]
    cpu_us_per_request: float

    @property
    def seconds(self) -> float:
        """From the first post to the last answer."""
        return self.ended_at - self.began_at

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many per cent of the answers did not exceed."""
        return percentile(self.latencies, percent) * 1000


class Senders:
    """Processes that hold presigned requests."""

    def __init__(self, processes: list["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    def send(self, seconds: float) -> Seen:
        """Sends as fast as the answers come, for so long."""
        for process in self._processes:
            _say(process, f"{seconds}\n")
        return _together([json.loads(_hear(process)) for process in self._processes])


@contextmanager
def senders(series: Series, numbers: range, port: int, **given: Any) -> Iterator[Senders]:
    """Senders of these events, signed now and for the next five minutes; ended afterwards."""
    crew = given.get("crew", PROCESSES)
    connections = given.get("connections", CONNECTIONS)
    started = [_start() for _ in range(crew)]
    try:
        for index, process in enumerate(started):
            order = {
                "series": asdict(series),
                "first": numbers.start + index,
                "end": numbers.stop,
                "step": crew,
                "secret": given.get("secret", SECRET),
                "second": int(clock.now().timestamp()),
                "port": port,
                "connections": connections // crew,
            }
            _say(process, json.dumps(order) + "\n")
        for process in started:
            _hear(process)
        yield Senders(started)
    finally:
        for process in started:
            process.terminate()
            process.communicate()


def percentile(values: tuple[float, ...], percent: float) -> float:
    """The smallest of the values that so many per cent do not exceed; 0 when there are none."""
    ordered = sorted(values)
    rank = max(0, -(-len(ordered) * percent // 100) - 1)
    return ordered[int(rank)] if ordered else 0.0


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.generator"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a load process died; it has said why above"
    return line


def _together(results: list[Mapping[str, Any]]) -> Seen:
    latencies = tuple(latency for result in results for latency in result["latencies"])
    cpu_seconds = sum(result["cpu_seconds"] for result in results)
    return Seen(
        began_at=min(result["began_at"] for result in results),
        ended_at=max(result["ended_at"] for result in results),
        accepted=sum(result["accepted"] for result in results),
        refused=sum(result["refused"] for result in results),
        latencies=latencies,
        cpu_us_per_request=round(cpu_seconds * 1e6 / max(1, len(latencies)), 1),
    )
