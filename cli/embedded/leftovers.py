"""Finds and ends processes of ours that outlived the one that started them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import Signals

_PROC = Path("/proc")


def at_home_in(folder: Path, program: str) -> tuple[int, ...]:
    """Processes called `program` whose working folder, or an argument, is `folder`.

    The argument is what stays readable when the process runs under another account.
    """
    home = os.fsencode(folder)

    def lives_here(process: Path) -> bool:
        if (process / "comm").read_text().strip() != program:
            return False
        if home in (process / "cmdline").read_bytes().split(b"\0"):
            return True
        return os.fsencode((process / "cwd").readlink()) == home

    return tuple(_processes(lives_here))


def carrying(mark: str) -> tuple[int, ...]:
    """Processes whose environment, as they were started with it, holds `mark` (`NAME=value`)."""
    wanted = mark.encode()

    def carries(process: Path) -> bool:
        return wanted in (process / "environ").read_bytes().split(b"\0")

    return tuple(_processes(carries))


def end(find: Callable[[], tuple[int, ...]], farewell: Signals, *, patience_seconds: float) -> int:
    """Sends `farewell` to everything found, waits, and kills what stays; answers how many."""
    found = find()
    for pid in found:
        _send(pid, farewell)
    deadline = time.monotonic() + patience_seconds
    while left := find():
        if time.monotonic() > deadline:
            for pid in left:
                _send(pid, signal.SIGKILL)
        time.sleep(0.05)
    return len(found)


def _processes(matches: Callable[[Path], bool]) -> Iterator[int]:
    for process in _PROC.glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and matches(process):
                yield int(process.name)
        except OSError:  # gone meanwhile, or none of our business
            continue


def _send(pid: int, number: Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
