"""A PostgreSQL of our own: one data folder, one socket, no network."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from cli.embedded import leftovers, lodging
from cli.embedded.sockets import socket_folder
from cli.embedded.tether import tethered
from domain.errors import Refused

VERSION = "18"
USER = "incasso"

_PORT = "5432"  # of no network: it names the socket; said aloud because PGPORT would change it
_SETTINGS = {
    "port": _PORT,
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "log_checkpoints": "off",
    "log_line_prefix": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# The provider that PostgreSQL brings along: texts sort the same on every machine.
_SPELLING = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class Postgres:
    """The PostgreSQL that lives in `home`: how to prepare it, what to run, whether it is there.

    The caller sees to it that nobody else uses `home` meanwhile.
    """

    name = "postgres"
    farewell = signal.SIGINT  # "fast": ends sessions, writes everything, takes no time

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self._lodging = lodging.find(home.resolve())
        self._sockets = socket_folder(self._lodging.home, uid=self._lodging.uid)
        self._settings = {**_SETTINGS, **(settings or {})}
        self.data = self._lodging.home / "data"

    @property
    def uid(self) -> int | None:
        """The account to run as; None means our own."""
        return self._lodging.uid

    def prepare(self) -> None:
        """Makes the data folder when there is none; ends what still runs on it from before."""
        self._refuse_foreign_data()
        lives_here = partial(leftovers.at_home_in, self.data, "postgres")
        leftovers.end(lives_here, self.farewell, patience_seconds=30)
        # All its processes are gone: what names one now is stale, or names a stranger's.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if not self.data.exists():
            self._create()

    def argv(self) -> list[str]:
        """The command that serves in the foreground."""
        settings = {**self._settings, "unix_socket_directories": str(self._sockets)}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        return [*self._program("postgres"), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def dsn(self, database: str = "incasso") -> str:
        """The libpq address of one of its databases."""
        sockets = quote(str(self._sockets), safe="/")
        return f"postgresql://{USER}@/{database}?host={sockets}&port={_PORT}"

    def _refuse_foreign_data(self) -> None:
        if not self.data.exists():
            return
        version = self.data / "PG_VERSION"
        if not version.exists():
            raise Refused("foreign_data", f"{self.data} is not a PostgreSQL data folder of ours")
        if version.read_text().strip() != VERSION:
            raise Refused("foreign_data", f"{self.data} was not made by PostgreSQL {VERSION}")
        if self.data.stat().st_uid != (os.geteuid() if self.uid is None else self.uid):
            raise Refused("foreign_data", f"{self.data} belongs to another account")

    def _create(self) -> None:
        # In a folder beside, renamed when whole: a start that is killed leaves nothing half made.
        arriving = self.data.with_name("data.new")
        shutil.rmtree(arriving, ignore_errors=True)
        where = ("-D", str(arriving))
        self._run("initdb", *where, "-U", USER, "--auth=trust", "--no-instructions", *_SPELLING)
        self._run("postgres", "--single", *where, "postgres", told="CREATE DATABASE incasso;\n")
        arriving.rename(self.data)

    def _run(self, program: str, *arguments: str, told: str = "") -> None:
        argv = tethered(
            [*self._program(program), *arguments], farewell=signal.SIGKILL, uid=self.uid
        )
        done = subprocess.run(  # noqa: S603 - our own programs
            argv, input=told, capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode != 0:
            raise Refused(f"{program}_failed", done.stderr.strip()[-2000:])

    def _program(self, name: str) -> list[str]:
        return [*self._lodging.wrapper, str(self._lodging.programs / name)]
