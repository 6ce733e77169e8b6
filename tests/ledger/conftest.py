"""A database of its own for every test, and a desk in it."""

from collections.abc import Iterator

import pytest

from ledger.store import Store
from tests.desk import Desk


@pytest.fixture
def store(fresh_dsn: str) -> Iterator[Store]:
    store = Store(fresh_dsn)
    yield store
    store.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)
