"""The compose file, the image and `.env.example` against the program they are meant to run.

No docker engine is asked: what can be known without one is that every command, option, variable,
address and health check in them exists in the program.
"""

import os
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.error import HTTPError

import pytest
from celery.app.utils import find_app
from celery.beat import PersistentScheduler
from click import ClickException
from typer.exceptions import TyperException

from cli import programs
from runtime import clock
from runtime.settings import Settings
from tests import composed
from tests.composed import ROOT
from webhooks.app import Webhooks

ONCE = {"migrate"}

# Read by programs that are not ours: the postgres image, and Celery's workers.
FOREIGN_VARIABLES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REMAP_SIGTERM"}


def test_every_command_and_its_options_exist() -> None:
    for service in composed.ours().values():
        composed.parse(service["command"])

        health = service.get("healthcheck", {}).get("test", [])
        if health[1:2] == ["celery"]:
            composed.parse(health[1:])


@pytest.mark.parametrize(
    "wrong",
    [
        ["incaso", "serve"],
        ["incasso", "sevre"],
        ["incasso", "serve", "webhoks"],
        ["incasso", "serve", "--hsot", "0.0.0.0"],
        ["celery", "-A", "workers.ap", "beat"],
        ["celery", "-A", "workers.app", "worker", "--withot-gossip"],
        ["celery", "-A", "workers.app", "flower", "--adress=0.0.0.0"],
        ["celery", "-A", "workers.app", "inspect", "pign"],
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_exist_is_found(wrong: list[str]) -> None:
    with pytest.raises((ClickException, TyperException, ImportError, ValueError)):
        composed.parse(wrong)


def test_workers_are_started_as_the_supervisor_starts_them() -> None:
    for name, queues in programs.QUEUES.items():
        service = composed.services()[f"worker-{name}"]

        options = composed.parse(service["command"])

        assert options["queues"] == queues.split(",")
        assert options["concurrency"] == 1
        assert options["task_events"] is True
        assert (options["without_gossip"], options["without_mingle"]) == (True, True)
        assert service["environment"]["REMAP_SIGTERM"] == "SIGQUIT"


def test_every_queue_has_a_worker_and_every_worker_a_real_queue() -> None:
    app = find_app("workers.app")
    declared = {queue.name for queue in app.conf.task_queues}

    taken = {
        queue
        for service in composed.services().values()
        if "worker" in service.get("command", ())
        for queue in composed.after("-Q", service["command"]).split(",")
    }

    assert taken == declared


def test_the_ping_of_a_worker_goes_to_that_very_worker() -> None:
    for name in ("worker-money", "worker-all"):
        service = composed.services()[name]

        called = composed.after("-n", service["command"]).replace("%h", service["hostname"])

        assert composed.after("-d", service["healthcheck"]["test"]) == called


def test_every_variable_is_a_setting_with_a_value_it_takes() -> None:
    for service in composed.ours().values():
        variables = service["environment"]

        settings = {name.lower(): value for name, value in variables.items()}
        unknown = {name for name in settings if name not in Settings.model_fields}

        assert {name.upper() for name in unknown} <= FOREIGN_VARIABLES
        Settings(**{name: value for name, value in settings.items() if name not in unknown})


def test_every_wish_of_the_compose_file_is_in_the_example() -> None:
    wished = {
        found[1] for found in composed.WISH.finditer((ROOT / "docker-compose.yml").read_text())
    }

    assert wished <= composed.example().keys()


def test_the_example_has_every_setting_with_its_default_and_nothing_else() -> None:
    defaults = {
        name.upper(): "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    only_compose = {"POSTGRES_PASSWORD": ""}

    assert composed.example() == defaults | only_compose


def test_every_setting_in_the_example_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    for above, line in pairwise(lines):
        if composed.EXAMPLE.match(line):
            assert re.match(r"# [A-Z].*\.$", above), f"{line} has no sentence above it"


def test_everything_that_stays_up_has_a_health_check() -> None:
    checked = {name for name, service in composed.services().items() if "healthcheck" in service}

    assert checked == composed.services().keys() - ONCE


@pytest.mark.parametrize("name", ["intake", "web", "flower"])
def test_an_http_health_check_tells_well_from_ill(name: str) -> None:
    service = composed.services()[name]
    program, check, flag, code = service["healthcheck"]["test"]
    assert (program, check, flag) == ("CMD", "python", "-c")

    with composed.answering(200) as well, composed.answering(503) as ill:
        own = f"127.0.0.1:{composed.listening(service)}"
        exec(code.replace(own, well), {})

        with pytest.raises(HTTPError):
            exec(code.replace(own, ill), {})


def test_an_http_health_check_asks_for_an_address_that_exists() -> None:
    door = Webhooks({}, "", find_app("workers.app"))

    paths = {
        name: composed.asked_path(composed.services()[name]) for name in ("intake", "web", "flower")
    }

    assert door.owns(paths["intake"])
    assert door.owns(paths["web"])
    assert any(re.fullmatch(pattern, paths["flower"]) for pattern in composed.flower_paths())


def test_the_health_check_of_beat_sees_a_clock_that_stopped(tmp_path: Path) -> None:
    service = composed.services()["beat"]
    folder = str(Path(composed.after("-s", service["command"])).parent)
    schedule = Path(composed.after("-s", service["command"])).name
    _, shell = service["healthcheck"]["test"]
    written = tmp_path / f"{schedule}.dat"

    def is_well() -> bool:
        here = shell.replace(f"find {folder} ", f"find {tmp_path} ")
        return subprocess.run(["sh", "-c", here], check=False).returncode == 0

    assert not is_well()
    written.touch()
    assert is_well()
    twice_unsynced = clock.now().timestamp() - 2.5 * PersistentScheduler.sync_every
    os.utime(written, (twice_unsynced, twice_unsynced))
    assert not is_well()


def test_the_stores_are_asked_by_their_own_means() -> None:
    services = composed.services()
    variables = services["postgres"]["environment"]

    database = services["postgres"]["healthcheck"]["test"]
    broker = services["redis"]["healthcheck"]["test"]

    assert database[1] == "pg_isready"
    assert composed.after("-U", database) == variables["POSTGRES_USER"]
    assert composed.after("-d", database) == variables["POSTGRES_DB"]
    assert broker == ["CMD-SHELL", "redis-cli ping | grep -q PONG"]


def test_the_addresses_of_the_stores_are_theirs() -> None:
    variables = composed.services()["postgres"]["environment"]
    user, password = variables["POSTGRES_USER"], variables["POSTGRES_PASSWORD"]
    database = f"postgresql://{user}:{password}@postgres:5432/{variables['POSTGRES_DB']}"

    for service in composed.ours().values():
        told = service["environment"]

        assert told.get("DATABASE_URL", database) == database
        assert told.get("BROKER_URL", "redis://redis:6379/0") == "redis://redis:6379/0"


def test_the_stores_cannot_be_reached_from_outside() -> None:
    for name in composed.STORES:
        service = composed.services()[name]

        assert "ports" not in service
        assert service["networks"] == ["stores"]

    assert composed.compose()["networks"]["stores"]["internal"] is True


def test_a_published_port_is_on_loopback_and_leads_to_who_listens() -> None:
    published: list[str] = []

    for service in composed.services().values():
        for port in service.get("ports", ()):
            address, outer, inner = port.split(":")

            assert address == "127.0.0.1"
            assert inner == composed.listening(service)
            published.append(outer)

    assert len(published) == len(set(published)) == 3


def test_redis_keeps_what_it_has_and_throws_nothing_away() -> None:
    command = composed.services()["redis"]["command"]

    assert composed.after("--appendonly", command) == "yes"
    assert composed.after("--maxmemory-policy", command) == "noeviction"


def test_everything_has_the_time_it_needs_to_end() -> None:
    soft = find_app("workers.app").conf.worker_soft_shutdown_timeout
    needed = {"postgres": 60, "redis": 30, "worker-money": soft + 15, "worker-all": soft + 15}

    for name, service in composed.services().items():
        grace = int(service["stop_grace_period"].removesuffix("s"))

        assert grace >= needed.get(name, 20), name


def test_every_volume_is_declared_used_and_mounted_where_it_is_looked_for() -> None:
    mounts = [
        (name, *volume.split(":"))
        for name, service in composed.services().items()
        for volume in service.get("volumes", ())
    ]

    assert {source for _, source, _ in mounts} == composed.compose()["volumes"].keys()
    for name, source, target in mounts:
        local = composed.services()[name].get("environment", {}).get("LOCAL_DIR")
        places = {
            "postgres": "/var/lib/postgresql",
            "redis": "/data",
            "local": local,
            "metrics": f"{local}/metrics",
        }
        assert target == places[source]


def test_images_are_pinned_and_ours_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    for name, service in composed.services().items():
        image, _, tag = service["image"].partition(":")

        assert re.fullmatch(r"[0-9]+(\.[0-9]+)+", tag), f"{name} runs {service['image']}"
        assert (image == "incasso") == (name not in composed.STORES)
        assert image != "incasso" or tag == project["version"]


def test_ours_run_as_nobody_special_on_a_root_they_cannot_write() -> None:
    (user,) = re.findall(r"^USER (\S+)$", composed.dockerfile(), re.MULTILINE)

    for service in composed.ours().values():
        assert service["user"] == user
        assert not user.startswith("0")
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_everything_starts_after_what_it_needs_is_well() -> None:
    services = composed.services()
    books_or_messages = {"DATABASE_URL": "postgres", "BROKER_URL": "redis"}

    for name, service in composed.ours().items():
        before = composed.before(name)

        for variable, store in books_or_messages.items():
            assert variable not in service["environment"] or store in before, name
        assert name in ONCE | {"flower"} or "migrate" in before
        for other, how in service["depends_on"].items():
            waits_for_end = how["condition"] == "service_completed_successfully"
            assert waits_for_end == (other in ONCE)
            assert waits_for_end or "healthcheck" in services[other]


def test_what_ends_is_started_again_unless_it_was_to_end() -> None:
    for name, service in composed.services().items():
        assert service["restart"] == ("on-failure:5" if name in ONCE else "unless-stopped")


def test_the_image_has_every_room_and_only_hashed_parts() -> None:
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {room.removesuffix("*") for room in include["packages"]["find"]["include"]}

    copied = set(re.findall(r"^COPY (\S+) ", composed.dockerfile(), re.MULTILINE))
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert copied == let_in == rooms | {"requirements-image.lock"}
    assert "--require-hashes" in composed.dockerfile()
    assert re.search(
        r"^FROM python:3\.11\.[0-9]+-slim-[a-z]+$", composed.dockerfile(), re.MULTILINE
    )
