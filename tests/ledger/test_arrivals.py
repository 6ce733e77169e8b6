"""What arrives is kept once, whoever brings it, how often and in what company."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.errors import TryLater
from ledger.inbox.arrivals import ArrivalRow, Arrivals, Fate, NotKept

DUPLICATE, DIFFERS, FAILED = NotKept.DUPLICATE, NotKept.DIFFERS, NotKept.FAILED


def an_arrival(event_id: str, raw: bytes = b"{}", **changes: Any) -> ArrivalRow:
    row = ArrivalRow(
        gateway="stripe",
        account="own/test",
        event_id=event_id,
        binding=None,
        kind="payment_intent.succeeded",
        headers='{"stripe-signature": "t=1"}',
        raw=raw,
        sha256=sha256(raw).digest(),
    )
    return row._replace(**changes)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Arrivals]:
    arrivals = Arrivals(dsn)
    try:
        yield arrivals
    finally:
        await arrivals.close()


def keep(dsn: str, *flushes: Sequence[ArrivalRow]) -> list[list[Fate]]:
    """The fates of flushes, one after the other on one connection."""

    async def run() -> list[list[Fate]]:
        async with opened(dsn) as arrivals:
            return [await arrivals.keep(flush) for flush in flushes]

    return asyncio.run(run())


def kept(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT id, event_id, raw, headers, sha256, state FROM inbox ORDER BY id"
        ).fetchall()


def test_what_is_new_is_kept_byte_for_byte(fresh_dsn: str):
    raw = b'{ "name" : "\xc8\x98tefan\\u0000", "odd": "\xff\x00" }'

    ((fate,),) = keep(fresh_dsn, [an_arrival("evt_1", raw)])

    assert kept(fresh_dsn) == [
        (
            fate,
            "evt_1",
            raw,
            {"stripe-signature": "t=1"},
            sha256(raw).digest(),
            "received",
        )
    ]


def test_fates_come_in_the_order_of_the_deliveries_whatever_the_order_of_the_rows(fresh_dsn: str):
    ((b, a, c),) = keep(fresh_dsn, [an_arrival(name) for name in ("evt_b", "evt_a", "evt_c")])

    assert {row[1]: row[0] for row in kept(fresh_dsn)} == {"evt_a": a, "evt_b": b, "evt_c": c}


def test_a_repeated_delivery_is_a_duplicate(fresh_dsn: str):
    _, again = keep(fresh_dsn, [an_arrival("evt_1")], [an_arrival("evt_1"), an_arrival("evt_2")])

    assert again[0] is DUPLICATE
    assert isinstance(again[1], int)
    assert len(kept(fresh_dsn)) == 2


def test_copies_in_one_flush_get_one_row_and_an_answer_each(fresh_dsn: str):
    (fates,) = keep(fresh_dsn, [an_arrival("evt_1")] * 20)

    assert isinstance(fates[0], int)
    assert fates[1:] == [DUPLICATE] * 19
    assert len(kept(fresh_dsn)) == 1


def test_another_body_under_a_kept_name_differs_and_changes_nothing(fresh_dsn: str):
    first, second = keep(
        fresh_dsn,
        [an_arrival("evt_1", b"{}"), an_arrival("evt_1", b"[]")],
        [an_arrival("evt_1", b"[]"), an_arrival("evt_1", b"{}")],
    )

    assert isinstance(first[0], int)
    assert first[1] is DIFFERS
    assert second == [DIFFERS, DUPLICATE]
    assert [row[2] for row in kept(fresh_dsn)] == [b"{}"]


def test_the_same_name_is_another_event_elsewhere(fresh_dsn: str):
    (fates,) = keep(
        fresh_dsn,
        [
            an_arrival("evt_1"),
            an_arrival("evt_1", account="own/live"),
            an_arrival("evt_1", gateway="paypal"),
        ],
    )

    assert len({fate for fate in fates if isinstance(fate, int)}) == 3


def test_a_binding_holds_for_one_event_and_one_body(fresh_dsn: str):
    first, second = keep(
        fresh_dsn,
        [an_arrival("evt_1", b"1", binding="x"), an_arrival("evt_2", b"2", binding="x")],
        [an_arrival("evt_1", b"1", binding="y"), an_arrival("evt_3", b"3", binding="x")],
    )

    assert isinstance(first[0], int)
    assert first[1] is DIFFERS
    assert second == [DUPLICATE, DIFFERS]


def test_a_bad_row_does_not_fail_its_neighbours(fresh_dsn: str):
    bad = [
        an_arrival("evt_2", raw=b"x" * 262_145),
        an_arrival("e" * 256),
        an_arrival("evt_4", kind="a\x00b"),
        an_arrival("evt_5", headers="{"),
    ]

    (fates,) = keep(fresh_dsn, [an_arrival("evt_1"), *bad, an_arrival("evt_6")])

    assert [row[1] for row in kept(fresh_dsn)] == ["evt_1", "evt_6"]
    assert fates[1:-1] == [FAILED] * 4


def test_a_connection_lost_meanwhile_is_opened_again_at_once(fresh_dsn: str):
    async def run() -> list[Fate]:
        async with opened(fresh_dsn) as arrivals:
            await arrivals.keep([an_arrival("evt_1")])
            with psycopg.connect(fresh_dsn) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            return await arrivals.keep([an_arrival("evt_2")])

    (fate,) = asyncio.run(run())

    assert isinstance(fate, int)


def test_no_database_means_try_later():
    with pytest.raises(TryLater):
        keep("postgresql://incasso@/incasso?host=/nowhere", [an_arrival("evt_1")])


def test_two_intakes_keep_each_event_once(fresh_dsn: str):
    events = [an_arrival(f"evt_{number}") for number in range(100)]

    async def run() -> tuple[list[Fate], list[Fate]]:
        async with opened(fresh_dsn) as one, opened(fresh_dsn) as other:
            return await asyncio.gather(one.keep(events), other.keep(events[::-1]))

    one, other = asyncio.run(run())

    assert len(kept(fresh_dsn)) == 100
    assert sum(isinstance(fate, int) for fate in one + other) == 100
    assert (one + other).count(DUPLICATE) == 100


@pytest.fixture
def statements(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement the server runs for connections made from now on, as it tells them."""
    heard: list[str] = []
    connect = psycopg.AsyncConnection.connect

    async def listening(*arguments: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
        connection = await connect(*arguments, **options)
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        return connection

    with psycopg.connect(fresh_dsn, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        for setting, value in (("log_statement", "all"), ("client_min_messages", "log")):
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(change.format(name, sql.Identifier(setting), value))
    monkeypatch.setattr(psycopg.AsyncConnection, "connect", listening)
    return heard


def test_a_flush_of_any_size_is_one_statement_and_two_with_losers(
    fresh_dsn: str, statements: list[str]
):
    async def counts() -> list[int]:
        found = []
        async with opened(fresh_dsn) as arrivals:
            for size in (1, 10, 100, 200) * 2:
                statements.clear()
                await arrivals.keep([an_arrival(f"{size}-{each}") for each in range(size)])
                found.append(len(statements))
        return found

    assert asyncio.run(counts()) == [1, 1, 1, 1, 2, 2, 2, 2]
