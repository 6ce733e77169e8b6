"""Process families: who belongs to one, what it holds, and how it is made to stand still."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


def children(pid: int) -> list[int]:
    """Whom the process has started; none when it is gone."""
    try:
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except (FileNotFoundError, ProcessLookupError):
        return []


def freeze(pid: int) -> list[int]:
    """Stops the process and all it has started, parents first; answers who stands still now.

    Connections stay open.
    """
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    return [pid, *(member for child in children(pid) for member in freeze(child))]


def thaw(pids: list[int]) -> None:
    """Lets them go on, the youngest first."""
    for pid in reversed(pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and all it has started stand still meanwhile."""
    still = freeze(pid)
    try:
        yield
    finally:
        thaw(still)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a process holds at a moment; connections are among its files."""

    threads: int
    files: int
    memory_kib: int


def holding(pid: int) -> Holding:
    """Threads, open files and resident memory of one process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = dict(line.split(":", 1) for line in lines)
    return Holding(
        threads=int(told["Threads"]),
        files=len(os.listdir(f"/proc/{pid}/fd")),
        memory_kib=int(told["VmRSS"].split()[0]),
    )
