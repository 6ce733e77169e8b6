"""What every test may ask for, and the rules of a run: stores once, no skip unseen."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import count
from tempfile import TemporaryDirectory

import pytest

from runtime.settings import environment, settings
from tests import skips
from tests.stores import Stores, running

_PURE = ("tests/domain", "tests/gateways", "tests/sandbox")

_stores = pytest.StashKey[Stores]()
_run = pytest.StashKey[ExitStack]()
_clones = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Gives the run a local folder and, where tests may need them, its stores."""
    config.stash[_run] = run = ExitStack()
    _settle_in(run)
    given = getattr(config, "workerinput", None)
    if given is not None:
        if "stores" in given:
            config.stash[_stores] = Stores(**given["stores"])
        return
    if environment().get("CI") == "true":
        config.pluginmanager.register(skips.Watch())
    if not _is_pure(config):
        asked = settings()
        started = running(asked.test_database_url, asked.test_broker_url)
        config.stash[_stores] = run.enter_context(started)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tells an xdist worker where the run's stores are."""
    stores = node.config.stash.get(_stores, None)  # type: ignore[attr-defined] # untyped in xdist
    if stores is not None:
        node.workerinput["stores"] = asdict(stores)  # type: ignore[attr-defined] # as above


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what this run has started."""
    config.stash[_run].close()


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config) -> Stores:
    """The run's stores."""
    return pytestconfig.stash[_stores]


@pytest.fixture(scope="session")
def dsn(stores: Stores, worker: str) -> Iterator[str]:
    """A migrated database of this test process; leave it as you found it, or take `fresh_dsn`."""
    with stores.clone(worker) as address:
        yield address


@pytest.fixture
def fresh_dsn(stores: Stores, worker: str) -> Iterator[str]:
    """A migrated, empty database of this one test, which may commit what it likes."""
    with stores.clone(f"{worker}_{next(_clones)}") as address:
        yield address


@pytest.fixture(scope="session")
def broker_url(stores: Stores) -> str:
    """The run's Redis; whoever writes to it does so under a `key_prefix`."""
    return stores.broker_url


@pytest.fixture
def key_prefix(worker: str) -> str:
    """A prefix for the Redis keys of this one test."""
    return f"{worker}:{next(_clones)}:"


@pytest.fixture(scope="session")
def worker(pytestconfig: pytest.Config) -> str:
    """The name of this test process."""
    given = getattr(pytestconfig, "workerinput", {"workerid": "main"})
    return str(given["workerid"])


def _settle_in(run: ExitStack) -> None:
    """Keeps a run away from what an `incasso up` of this checkout has written.

    Before anything is collected: some modules look at their folder while they are imported.
    """
    folder = run.enter_context(TemporaryDirectory(prefix="incasso-test-"))
    patch = run.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("LOCAL_DIR", folder)
    settings.cache_clear()


def _is_pure(config: pytest.Config) -> bool:
    """Whether only tests that touch no store were asked for."""
    return bool(config.args) and all(argument.startswith(_PURE) for argument in config.args)
