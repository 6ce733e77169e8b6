"""A command line over a database of its own, wired by the environment as in a shell."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.store import Store
from runtime import wiring
from runtime.settings import settings
from tests.cli.running import Run, runner
from tests.desk import Desk
from tests.gateways.deliveries import SECRET

Wire = Callable[..., None]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Sets and unsets (None) variables; what was read from them before is forgotten."""

    def forget() -> None:
        if wiring.store.cache_info().currsize:
            wiring.store().close()
        for cached in (settings, wiring.store, wiring.gateways):
            cached.cache_clear()

    def rewire(**variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        forget()

    yield rewire
    forget()


@pytest.fixture
def store(fresh_dsn: str, broker_url: str, tmp_path: Path, wire: Wire) -> Iterator[Store]:
    wire(
        DATABASE_URL=fresh_dsn,
        BROKER_URL=broker_url,
        LOCAL_DIR=str(tmp_path),
        STRIPE_WEBHOOK_SECRETS=SECRET,
        SECRET_KEY="0" * 64,
        STRIPE_API_KEY=None,
        COLUMNS="200",
    )
    store = wiring.store()
    yield store
    store.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(monkeypatch, capsys)
