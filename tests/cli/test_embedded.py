"""The stores we bring along: private, durable, and careful about what is whose."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis

from cli.embedded.daemon import Daemon, Store
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from cli.embedded.sockets import LONGEST_PATH_BYTES, private_folder, socket_folder
from domain.errors import Refused
from runtime.settings import environment
from tests.waiting import eventually, is_alive

ROOT = Path(__file__).parents[2]

STARTER = """
import os, signal, sys
from pathlib import Path
from cli.embedded.daemon import Daemon
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis

home = Path(sys.argv[1])
for store in (Postgres(home / "pg"), Redis(home / "redis")):
    daemon = Daemon(store, home / "log")
    daemon.start()
    print(daemon.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

Start = Callable[[Store], Daemon]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts stores and stops them after the test."""
    with ExitStack() as stack:

        def begin(store: Store) -> Daemon:
            daemon = Daemon(store, tmp_path / f"{store.name}.log")
            stack.callback(daemon.stop)
            daemon.start()
            return daemon

        yield begin


def asked(dsn: str, question: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def told(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(statement.encode())


def test_postgresql_is_reached_through_a_private_socket_alone(tmp_path: Path, start: Start) -> None:
    postgres = Postgres(tmp_path / "pg")

    start(postgres)

    sockets = Path(asked(postgres.dsn(), "SHOW unix_socket_directories"))
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert asked(postgres.dsn(), "SHOW listen_addresses") == ""
    assert asked(postgres.dsn(), "SELECT current_user || '@' || current_database()") == (
        "incasso@incasso"
    )


def test_what_was_committed_survives_a_power_cut(tmp_path: Path, start: Start) -> None:
    postgres = Postgres(tmp_path / "pg")
    first = start(postgres)
    told(postgres.dsn(), "CREATE TABLE kept AS SELECT 42 AS answer")

    first.kill()
    start(postgres)

    assert asked(postgres.dsn(), "SELECT answer FROM kept") == "42"
    assert asked(postgres.dsn(), "SHOW fsync") == "on"


def test_a_start_takes_over_from_the_postmaster_left_on_its_data(
    tmp_path: Path, start: Start
) -> None:
    left = start(Postgres(tmp_path / "pg"))
    bystander = start(Postgres(tmp_path / "other"))

    taken_over = start(Postgres(tmp_path / "pg"))

    assert not is_alive(left.pid)
    assert is_alive(taken_over.pid)
    assert is_alive(bystander.pid)


def test_a_stale_pid_file_harms_neither_us_nor_the_stranger_it_names(
    tmp_path: Path, start: Start
) -> None:
    postgres = Postgres(tmp_path / "pg")
    start(postgres).stop()
    stranger = subprocess.Popen(["sleep", "60"])
    (postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n{postgres.data}\n1\n5432\n")

    start(postgres)

    assert asked(postgres.dsn(), "SELECT 1") == "1"
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("contents", [{"notes.txt": "mine"}, {"PG_VERSION": "15\n"}])
def test_a_data_folder_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, start: Start, contents: dict[str, str]
) -> None:
    postgres = Postgres(tmp_path / "pg")
    postgres.data.mkdir()
    for name, text in contents.items():
        (postgres.data / name).write_text(text)

    with pytest.raises(Refused, match="foreign_data"):
        start(postgres)

    assert {path.name: path.read_text() for path in postgres.data.iterdir()} == contents


def test_a_creation_that_was_cut_short_is_begun_again(tmp_path: Path, start: Start) -> None:
    postgres = Postgres(tmp_path / "pg")
    half_made = postgres.data.with_name("data.new")
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")

    start(postgres)

    assert asked(postgres.dsn(), "SELECT 1") == "1"


def test_a_store_that_cannot_start_says_why(tmp_path: Path, start: Start) -> None:
    postgres = Postgres(tmp_path / "pg", {"shared_buffers": "a lot"})

    with pytest.raises(Refused, match='invalid value for parameter "shared_buffers"'):
        start(postgres)


def test_sockets_move_where_their_path_is_short_enough(tmp_path: Path, start: Start) -> None:
    home = tmp_path / ("a" * 60) / ("b" * 60)
    store = Redis(home)

    start(store)

    path = store.url.removeprefix("redis+socket://")
    assert len(path) < LONGEST_PATH_BYTES
    assert Path(path).is_relative_to(tempfile.gettempdir())
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    assert socket_folder(home) == Path(path).parent != socket_folder(tmp_path / ("c" * 90))


@pytest.mark.parametrize("trap", ["symlink", "file"])
def test_a_folder_that_somebody_else_put_there_first_is_refused(tmp_path: Path, trap: str) -> None:
    wanted = tmp_path / "run"
    if trap == "symlink":
        wanted.symlink_to(tmp_path)
    else:
        wanted.touch()

    with pytest.raises(Refused, match="foreign_folder"):
        private_folder(wanted, owner=os.geteuid())


def test_redis_keeps_its_queues_through_a_power_cut(tmp_path: Path, start: Start) -> None:
    store = Redis(tmp_path / "redis")
    first = start(store)
    with redis.Redis.from_url(store.url.replace("redis+socket", "unix")) as client:
        client.rpush("queue", "a nudge")

    first.kill()
    start(store)

    with redis.Redis.from_url(store.url.replace("redis+socket", "unix")) as client:
        assert client.lrange("queue", 0, -1) == [b"a nudge"]
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_a_start_takes_over_from_the_redis_left_in_its_folder(tmp_path: Path, start: Start) -> None:
    left = start(Redis(tmp_path / "redis"))
    bystander = start(Redis(tmp_path / "other"))

    taken_over = start(Redis(tmp_path / "redis"))

    assert not is_alive(left.pid)
    assert is_alive(taken_over.pid)
    assert is_alive(bystander.pid)


def test_a_store_ends_with_whoever_started_it_however_that_one_died(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=environment(PYTHONPATH=str(ROOT)),
        check=False,
    )

    pids = [int(word) for word in killed.stdout.split()]
    assert len(pids) == 2
    eventually(lambda: not any(map(is_alive, pids)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to give away")
def test_root_without_namespaces_runs_postgresql_as_nobody(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unshare = tmp_path / "bin"
    without_unshare.mkdir()
    (without_unshare / "setpriv").symlink_to("/usr/bin/setpriv")
    monkeypatch.setenv("PATH", str(without_unshare))

    postgres = Postgres(tmp_path / "pg")
    daemon = start(postgres)

    assert asked(postgres.dsn(), "SELECT 1") == "1"
    assert Path(f"/proc/{daemon.pid}").owner() == "nobody"
    assert not postgres.data.is_relative_to(tmp_path)
    daemon.stop()
    shutil.rmtree(postgres.data.parents[1])
