"""The way of the schema forward, whoever goes it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg

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
