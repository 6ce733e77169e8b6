"""The call that the product is measured against does the product's work, row for row."""

from collections.abc import Iterator

import pytest

from benchmarks import ground, pgbench, stores
from benchmarks.bench import Bench, differences
from benchmarks.ground import Ground
from benchmarks.stores import Stores
from ledger.inbox import waiting
from ledger.store import Store
from workers import events

_EVENTS = 12

# Moments at which a row was written, and the body, which pgbench sends the same each time.
_APART = (
    *("received_at", "settled_at", "created_at", "updated_at", "recorded_at", "closed_at"),
    *("started_at", "raw", "sha256"),
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with stores.running() as running:
        laid = ground.lay(running, spread=3, fresh=200)
        yield Bench(running, laid, seconds=1, warm_seconds=1)


def test_one_call_writes_what_the_product_writes_for_the_same_events(bench: Bench) -> None:
    with bench.stores.clone("ours") as dsn, bench.stores.clone("theirs"):
        bench.stores.run("theirs", pgbench.ONE_CALL.read_text())

        _settle_one_by_one(bench.stores, bench.ground, dsn)
        script = pgbench.event_script(bench)
        done, _ = pgbench.run(bench, "theirs", script, 1, "-t", str(_EVENTS))

        assert done == _EVENTS
        tables = _tables(bench.stores)
        different = [
            (table, columns)
            for table, columns in tables.items()
            if _rows(bench.stores, "ours", table, columns)
            != _rows(bench.stores, "theirs", table, columns)
        ]
        assert not different
        assert _grown(bench.stores, tables) == {
            "facts": _EVENTS,
            "inbox": _EVENTS,
            "intents": _EVENTS,
            "journal": _EVENTS,
            "payment_names": 2 * _EVENTS,
            "payments": _EVENTS,
            "postings": 2 * _EVENTS,
        }
        cancelled = "SELECT count(*) FROM reminders WHERE state = 'cancelled'"
        assert bench.stores.value("theirs", cancelled) == 3 * _EVENTS / 4
        paid = "SELECT count(*) FROM invoices WHERE paid_minor = total_minor"
        assert bench.stores.value("theirs", paid) == _EVENTS / 4


def test_the_audit_finds_the_books_of_the_one_call_right(bench: Bench) -> None:
    with bench.stores.clone("theirs") as dsn:
        bench.stores.run("theirs", pgbench.ONE_CALL.read_text())

        done, _ = pgbench.run(bench, "theirs", pgbench.event_script(bench), 4, "-t", "10")

        assert done == 40
        assert differences(dsn) == 0


def test_a_repeated_call_writes_nothing(bench: Bench) -> None:
    counted = "SELECT count(*) FROM inbox JOIN postings ON true"
    with bench.stores.clone("theirs"):
        bench.stores.run("theirs", pgbench.ONE_CALL.read_text())
        call = (
            "SELECT settle_one('evt', 'pi', 'ch', 'INV-0001', 3025, to_timestamp(1760000000),"
            " '{}', '{}')"
        )

        assert bench.stores.value("theirs", call) is True
        before = bench.stores.value("theirs", counted)

        assert bench.stores.value("theirs", call) is False
        assert bench.stores.value("theirs", counted) == before


def _settle_one_by_one(running: Stores, laid: Ground, dsn: str) -> None:
    store = Store(dsn)
    for number in range(laid.first, laid.first + _EVENTS):
        ground.put(running, "ours", laid, [number])
        assert events.settle_next(store, {laid.gateway.name: laid.gateway}, waiting.claim_fresh)
    store.close()


def _tables(running: Stores) -> dict[str, str]:
    """Every table with the columns that must be equal."""
    with running.connect("ours") as connection:
        found = connection.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY column_name)"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND NOT column_name = ANY (%s) GROUP BY table_name",
            [list(_APART)],
        ).fetchall()
    tables = dict(found)
    tables["inbox"] += ", length(raw)"
    assert {"inbox", "facts", "payments", "postings", "journal", "invoices"} <= set(tables)
    return tables


def _rows(running: Stores, database: str, table: str, columns: str) -> list[str]:
    with running.connect(database) as connection:
        query = f"SELECT ROW({columns})::text FROM {table} ORDER BY 1"
        return [row for (row,) in connection.execute(query)]


def _grown(running: Stores, tables: dict[str, str]) -> dict[str, int]:
    """How many rows each table has more than the ground."""
    grown = {
        table: running.value("theirs", f"SELECT count(*) FROM {table}")
        - running.value(stores.GROUND, f"SELECT count(*) FROM {table}")
        for table in tables
    }
    return {table: number for table, number in grown.items() if number}
