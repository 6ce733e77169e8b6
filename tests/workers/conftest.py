"""This process wired like a worker: its own database, a mailbox folder, one gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store import Store
from runtime import wiring
from runtime.settings import settings
from tests import stripe_events
from tests.desk import Desk


@pytest.fixture
def store(
    fresh_dsn: str, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    monkeypatch.setenv("DATABASE_URL", fresh_dsn)
    monkeypatch.setenv("BROKER_URL", broker_url)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", stripe_events.SECRET)
    for cached in (settings, wiring.store, wiring.gateways):
        cached.cache_clear()
    yield wiring.store()
    wiring.store().close()
    for cached in (settings, wiring.store, wiring.gateways):
        cached.cache_clear()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)
