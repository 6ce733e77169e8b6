"""Runs one embedded store for the time of a test run, or as long as its caller lives."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Protocol

from cli.embedded.tether import tethered
from domain.errors import Refused

_PATIENCE_SECONDS = 30.0


class Store(Protocol):
    """What it takes to run a store."""

    @property
    def name(self) -> str: ...
    @property
    def farewell(self) -> signal.Signals: ...
    @property
    def uid(self) -> int | None: ...
    def prepare(self) -> None: ...
    def argv(self) -> list[str]: ...
    def is_ready(self) -> bool: ...


class Daemon:
    """A store, running; what it says goes to `log`."""

    def __init__(self, store: Store, log: Path) -> None:
        self._store = store
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The store's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the store answers."""
        self._store.prepare()
        argv = tethered(self._store.argv(), farewell=self._store.farewell, uid=self._store.uid)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Ends the store in good order; a no-op when it does not run."""
        self._end(self._store.farewell)

    def kill(self) -> None:
        """Ends the store as a power cut would, and what it had started."""
        self._end(signal.SIGKILL)

    def _end(self, farewell: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(farewell)
        self._process.wait(_PATIENCE_SECONDS)
        self._process = None

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._store.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                said = self._log.read_text(errors="replace").strip()[-2000:]
                raise Refused("store_failed", f"{self._store.name} does not start:\n{said}")
            time.sleep(0.02)
