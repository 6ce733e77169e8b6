"""`incasso up` as its user and its tools see it: real processes in a folder of their own."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cli import nursery
from cli.embedded import leftovers
from cli.embedded.daemon import Daemon
from cli.embedded.redis import Redis
from cli.supervisor import MARK
from ledger.store import Store
from runtime.settings import environment
from tests.waiting import eventually, is_alive

ROOT = Path(__file__).parents[2]
PARTS = ("web", "beat", "flower", "sandbox", "postgres", "redis")

pytestmark = pytest.mark.timeout(180)


class Up:
    """One `incasso up` in `folder`, and what can be asked of it from outside."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.local = folder / ".local"
        self.output = folder / "output.txt"
        given = {"PORT": "0", "METRICS_PORT": "0", "FLOWER_PORT": "0", **settings}
        self._environment = {
            **environment(LOCAL_DIR=".local", PYTHONPATH=str(ROOT), **given),
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self._incasso("up"),
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> "Up":
        def ready() -> bool:
            assert self.process.poll() is None, self.output.read_text()
            return "Incasso is ready" in self.output.read_text()

        eventually(ready, seconds=90)
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command beside it, in the same folder."""
        return subprocess.run(
            self._incasso(*arguments),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.local / "state.json").read_text())
        return state

    @property
    def pids(self) -> set[int]:
        processes = self.state["processes"]
        found = [*(processes[part] for part in PARTS), *processes["worker"]]
        return {pid for pid in found if pid is not None}

    @property
    def is_well(self) -> bool:
        return answer(f"{self.state['web']}/readyz") == 200

    @property
    def left_behind(self) -> set[int]:
        marked = leftovers.carrying(f"{MARK}={self.local}")
        return {pid for pid in marked if is_alive(pid)}

    def _incasso(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", *arguments]


def answer(url: str, login: str | None = None) -> int | None:
    """The status; None when nobody answers."""
    parts = urlsplit(url)
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path or "/", headers=headers)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Up]:
    up = Up(folder, **settings)
    try:
        yield up.wait_until_ready()
    finally:
        if up.process.poll() is None:
            up.stop()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up")) as started:
        yield started


def secrets(up: Up) -> dict[str, str]:
    lines = (up.local / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_what_runs_is_told_and_answers(up: Up) -> None:
    told = up.state

    assert set(told) == {
        *("web", "flower", "mailbox", "metrics", "sandbox"),
        *("api_token", "console", "database", "processes"),
    }
    assert len(told["processes"]["worker"]) == 2
    assert len(up.pids) == 8
    assert all(map(is_alive, up.pids))
    assert answer(f"{told['web']}/readyz") == 200
    assert answer(told["metrics"]) == 200
    assert answer(told["sandbox"]) == 200
    assert told["mailbox"] == (up.local / "mailbox").as_uri()


def test_what_is_written_is_for_its_owner_alone(up: Up) -> None:
    for name in ("state.json", "run.env", "secrets.env", "logs/web.log"):
        assert stat.S_IMODE((up.local / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(up.local.stat().st_mode) == 0o700


def test_flower_asks_for_its_login(up: Up) -> None:
    assert answer(f"{up.state['flower']}/workers") == 401
    assert answer(f"{up.state['flower']}/workers", secrets(up)["FLOWER_BASIC_AUTH"]) == 200


def test_no_secret_shows_in_the_list_of_processes(up: Up) -> None:
    ours = {up.process.pid, *up.left_behind, *up.pids}

    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in ours]

    assert len(lines) >= len(up.pids)
    assert not any(secret in line for secret in secrets(up).values() for line in lines)


def test_each_process_has_its_own_log(up: Up) -> None:
    logs = {path.stem for path in (up.local / "logs").iterdir() if path.stat().st_size}

    assert {"web", "worker-money", "worker-all", "postgres", "redis"} <= logs
    assert "worker-money | " in up.output.read_text()


def test_a_command_beside_it_finds_everything(up: Up) -> None:
    payment = up.run("simulate", "stripe", "--invoice", "INV-0003")

    assert payment.returncode == 0, payment.stderr
    assert "paid" in payment.stdout


def test_a_second_start_says_where_the_first_one_is(up: Up) -> None:
    second = up.run("up")

    assert second.returncode == 1
    assert up.state["web"] in second.stderr
    assert "Traceback" not in second.stderr
    assert up.is_well


def test_whatever_is_killed_comes_back_and_is_told(up: Up) -> None:
    before = up.pids

    for pid in before:
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: len(up.pids) == 8 and not up.pids & before, seconds=60)
    eventually(lambda: up.is_well, seconds=60)
    assert up.run("audit").returncode == 0


def test_a_taken_port_gives_way_to_the_next_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path / "up", PORT=str(port)) as up:
            assert urlsplit(up.state["web"]).port != port
            assert up.is_well


def test_a_wish_to_stop_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "up") as up:
        pids = up.pids
        told = up.state

        code = up.stop()

    assert code == 0
    assert not any(map(is_alive, pids))
    assert not up.left_behind
    assert not (up.local / "state.json").exists()
    assert not (up.local / "run.env").exists()
    assert answer(told["web"]) is None


def test_a_wish_to_stop_is_heard_while_all_is_starting(tmp_path: Path) -> None:
    up = Up(tmp_path / "up")
    eventually(lambda: "postgres" in up.output.read_text())

    code = up.stop(signal.SIGTERM)

    assert code == 0
    assert not up.left_behind
    assert "Traceback" not in up.output.read_text()


def test_a_start_clears_what_a_killed_run_has_left(tmp_path: Path) -> None:
    with running(tmp_path / "up") as first:
        pids = first.pids
        first.run("simulate", "stripe", "--invoice", "INV-0003")
        first.stop(signal.SIGKILL)

        with running(tmp_path / "up") as second:
            assert not any(map(is_alive, pids))
            assert second.is_well
            assert "INV-0003" not in second.output.read_text()
            assert second.run("audit").returncode == 0


def test_given_stores_are_used_and_nothing_is_added_to_them(tmp_path: Path, fresh_dsn: str) -> None:
    given = Redis(tmp_path / "redis")
    daemon = Daemon(given, tmp_path / "redis.log")
    daemon.start()

    with running(tmp_path / "up", DATABASE_URL=fresh_dsn, BROKER_URL=given.url) as up:
        told = up.state

    assert told["database"] == fresh_dsn
    assert told["processes"]["postgres"] is told["processes"]["redis"] is None
    assert not (up.local / "pg").exists()
    assert count(fresh_dsn, "clients") == 0
    daemon.stop()


def test_a_database_that_does_not_answer_ends_the_start_with_its_reason(tmp_path: Path) -> None:
    up = Up(tmp_path / "up", DATABASE_URL=f"postgresql://incasso@/incasso?host={tmp_path}")

    code = up.process.wait(timeout=60)

    assert code == 1
    assert "the database does not answer" in up.output.read_text()
    assert "Traceback" not in up.output.read_text()
    assert not up.left_behind


def test_what_children_share_is_there_to_be_imported() -> None:
    assert all(find_spec(name) for name in nursery.SHARED)


def count(dsn: str, table: str) -> int:
    store = Store(dsn)
    with store.transaction() as books:
        found = books.value(f"SELECT count(*) FROM {table}")
    store.close()
    return int(found)
