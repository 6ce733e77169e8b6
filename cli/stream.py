"""One readable stream of what all processes say, and one log file for each."""

import asyncio
import logging
import os
import queue
import sys
import threading
from logging.handlers import RotatingFileHandler
from multiprocessing.connection import Connection
from pathlib import Path

import typer

_COLOURS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green")
_NAME_WIDTH = 13
_LOG_BYTES = 10 << 20


class Stream:
    """Prints on a thread of its own: a terminal that stands still never holds up a payment."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._logs = logs
        self._files: dict[str, logging.Logger] = {}
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self._printer = threading.Thread(target=self._print, daemon=True)
        self._printer.start()

    @property
    def in_colour(self) -> bool:
        """Whether a person looks on."""
        return sys.stdout.isatty()

    def say(self, text: str) -> None:
        """A word of our own, as it is."""
        for line in text.splitlines():
            self._show(line)

    async def carry(self, name: str, pipe: Connection) -> None:
        """Passes on what is said into a pipe, line by line, until its other end is closed."""
        file = self._file(name)
        source = asyncio.StreamReader()
        with pipe:
            reading = os.fdopen(os.dup(pipe.fileno()), "rb")
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(source), reading
        )
        while line := await _line(source):
            text = line.decode(errors="replace").rstrip()
            file.info(text)
            self._show(f"{self._prefix(name)} {text}")

    def close(self) -> None:
        """Lets the last lines out."""
        self._lines.put(None)
        self._printer.join(timeout=2)
        for file in self._files.values():
            for handler in file.handlers:
                handler.close()

    def _show(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:  # the log file has it
            return

    def _print(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                typer.echo(line)
            except OSError:  # the terminal is gone; the log files go on
                continue

    def _prefix(self, name: str) -> str:
        colour = _COLOURS[list(self._files).index(name) % len(_COLOURS)]
        return typer.style(f"{name:<{_NAME_WIDTH}}|", fg=colour)

    def _file(self, name: str) -> logging.Logger:
        if name not in self._files:
            self._files[name] = logging.Logger(name)  # outside the logging tree
            path = self._logs / f"{name}.log"
            path.touch(mode=0o600)
            handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
            self._files[name].addHandler(handler)
        return self._files[name]


async def _line(source: asyncio.StreamReader) -> bytes:
    try:
        return await source.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:  # a line longer than the buffer comes in pieces
        return await source.readexactly(overrun.consumed)
