"""`incasso up`: everything in one foreground process, on a machine that has nothing."""

import asyncio
import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cli import announcement, keys, state
from cli.embedded import leftovers
from cli.stream import Stream
from cli.supervisor import MARK, Supervisor
from domain.errors import Refused
from runtime.settings import Settings, settings

# Rows are the truth: a process of a run that was killed has nothing that is worth a long wait.
_LEFTOVERS_SECONDS = 2.0


def up() -> None:
    """Run everything: stores, web, workers, beat and Flower. Ctrl-C ends it."""
    local = Settings().local_dir.resolve()
    local.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _sole_run(local):
        _clear(local)
        keys.complete(Settings())
        settings.cache_clear()
        stream = Stream(local / "logs")
        try:
            asyncio.run(Supervisor(local, settings(), stream).run())
        finally:
            stream.close()


@contextmanager
def _sole_run(local: Path) -> Iterator[None]:
    with (local / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("already_running", _where(local)) from None
        yield


def _where(local: Path) -> str:
    told = state.read(local / announcement.STATE_FILE)
    if told is None:
        return f"Incasso is starting or stopping in {local}"
    return f"Incasso is running in {local}: web {told.web}, Flower {told.flower}"


def _clear(local: Path) -> None:
    """Ends what a killed run has left and forgets what it had announced."""
    ours = partial(leftovers.carrying, f"{MARK}={local}")
    leftovers.end(ours, signal.SIGTERM, patience_seconds=_LEFTOVERS_SECONDS)
    announcement.withdraw(local)
