"""Waits for what is bound to happen, and looks whether a process lives."""

import time
from collections.abc import Callable
from pathlib import Path


def eventually(happened: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Returns as soon as it has happened; fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
