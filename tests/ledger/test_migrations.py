"""The way of the schema forward, whoever goes it."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import psycopg
import pytest

import ledger.store
from ledger import migrations
from ledger.store import Store
from tests.stores import Stores


def test_two_who_start_together_take_turns(stores: Stores, worker: str):
    database = f"{stores.run}_{worker}_empty"
    gate = threading.Barrier(2)

    def upgrade(dsn: str) -> str | None:
        store = Store(dsn)
        gate.wait()
        try:
            migrations.upgrade(store)
            return migrations.present(store)
        finally:
            store.close()

    with psycopg.connect(stores.database_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
        try:
            with ThreadPoolExecutor(2) as hands:
                found = list(hands.map(upgrade, [stores.dsn(database)] * 2))
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)")

    assert found == [migrations.newest()] * 2


def test_who_waits_for_a_long_migration_is_patient(dsn: str, monkeypatch: pytest.MonkeyPatch):
    """More than with a row, whose lock is given up soon."""
    monkeypatch.setitem(ledger.store._SESSION, "lock_timeout", "50ms")
    store = Store(dsn)
    with psycopg.connect(dsn) as other, ThreadPoolExecutor(1) as hand:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [migrations._LOCK])
        upgrading = hand.submit(migrations.upgrade, store)
        is_waiting = not wait([upgrading], timeout=1).done
        other.rollback()
        upgrading.result()
    store.close()

    assert is_waiting
