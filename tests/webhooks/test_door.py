"""What is kept, and what each one at the door is told."""

import json
from collections.abc import Iterator

import psycopg
import pytest
import uvloop

from tests.gateways.deliveries import pretty, stripe_header
from tests.webhooks.knocking import (
    HEADERS,
    a_celery,
    an_event,
    ask,
    deliver,
    kept,
    knock,
    now,
    open_door,
)
from webhooks.requests import MOST_BODY_BYTES, Message

NOWHERE = "redis+socket:///nowhere/redis.sock"


def test_a_signed_delivery_is_kept_before_it_is_acknowledged(fresh_dsn: str):
    async def run():
        async with open_door(fresh_dsn, NOWHERE) as door:
            answer = await deliver(door, an_event("evt_1"))
            return answer, kept(fresh_dsn)

    answer, rows = uvloop.run(run())

    assert (answer.status, answer.json) == (200, {"received": True})
    assert rows == ["evt_1"]


def test_the_workers_are_told_the_new_ids(fresh_dsn: str, broker_url: str, key_prefix: str):
    async def run():
        async with open_door(fresh_dsn, broker_url, key_prefix) as door:
            await deliver(door, an_event("evt_1"))

    uvloop.run(run())

    with a_celery(broker_url, key_prefix).connection_for_read() as connection:
        message = connection.SimpleQueue("money").get(timeout=2)
        message.ack()
    assert message.headers["task"] == "events.settle"
    assert message.payload[0] == [[1]]


def test_a_body_in_many_parts_is_the_same_body(fresh_dsn: str):
    event = an_event("evt_1")

    async def run():
        async with open_door(fresh_dsn, NOWHERE) as door:
            parts = [event[place : place + 100] for place in range(0, len(event), 100)]
            return await knock(door, *parts, signature=stripe_header(event, at=now()))

    assert uvloop.run(run()).status == 200
    assert kept(fresh_dsn) == ["evt_1"]


def test_a_body_of_the_largest_size_is_taken(fresh_dsn: str):
    event = json.loads(an_event("evt_1"))
    rest = MOST_BODY_BYTES - len(pretty({**event, "filling": ""}))
    event["filling"] = "x" * rest
    body = pretty(event)

    async def run():
        async with open_door(fresh_dsn, NOWHERE) as door:
            return await deliver(door, body)

    assert len(body) == MOST_BODY_BYTES
    assert uvloop.run(run()).status == 200
    assert kept(fresh_dsn) == ["evt_1"]


def test_an_announced_giant_is_not_read():
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/stripe",
        "headers": [*HEADERS, (b"content-length", str(MOST_BODY_BYTES + 1).encode())],
    }

    async def run():
        async with open_door("host=/nowhere", NOWHERE) as door:
            return await ask(door, scope, iter(()))

    answer = uvloop.run(run())

    assert answer.status == 413
    assert answer.headers[b"connection"] == b"close"


@pytest.mark.parametrize("length", [b"1", b"9" * 5_000, b"-1", b"x"])
def test_an_endless_body_is_cut_off_whatever_length_it_claims(length: bytes):
    read = 0

    def endless() -> Iterator[Message]:
        nonlocal read
        while True:
            read += 64 * 1024
            yield {"type": "http.request", "body": b"x" * 64 * 1024, "more_body": True}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/stripe",
        "headers": [*HEADERS, (b"content-length", length)],
    }

    async def run():
        async with open_door("host=/nowhere", NOWHERE) as door:
            return await ask(door, scope, endless())

    assert uvloop.run(run()).status == 413
    assert read <= MOST_BODY_BYTES + 64 * 1024


def test_without_a_database_the_sender_is_asked_to_come_again():
    async def run():
        async with open_door("postgresql://incasso@/x?host=/nowhere", NOWHERE) as door:
            return await deliver(door, an_event("evt_1"))

    answer = uvloop.run(run())

    assert answer.status == 503
    assert int(answer.headers[b"retry-after"]) > 0


def test_it_says_that_it_lives_and_what_it_lacks(fresh_dsn: str, broker_url: str):
    async def run(dsn: str, broker: str):
        async with open_door(dsn, broker) as door:
            lives = await knock(door, path="/healthz", method="GET")
            return lives, await knock(door, path="/readyz", method="GET")

    lives, ready = uvloop.run(run(fresh_dsn, broker_url))
    still_lives, lacks_all = uvloop.run(run("host=/nowhere", NOWHERE))

    assert lives.status == still_lives.status == 200
    assert (ready.status, ready.json) == (
        200,
        {"database": True, "migrations": True, "broker": True, "intake": True},
    )
    assert (lacks_all.status, lacks_all.json) == (
        503,
        {"database": False, "migrations": False, "broker": False, "intake": True},
    )


def test_a_database_without_its_tables_is_not_ready(fresh_dsn: str, broker_url: str):
    async def run():
        async with open_door(fresh_dsn, broker_url) as door:
            return await knock(door, path="/readyz", method="GET")

    with psycopg.connect(fresh_dsn) as connection:
        connection.execute("DROP TABLE alembic_version")

    assert uvloop.run(run()).json["migrations"] is False


def test_without_a_broker_deliveries_are_taken_all_the_same(fresh_dsn: str):
    async def run():
        async with open_door(fresh_dsn, NOWHERE) as door:
            return [await deliver(door, an_event(f"evt_{each}")) for each in range(20)]

    answers = uvloop.run(run())

    assert [answer.status for answer in answers] == [200] * 20
    assert len(kept(fresh_dsn)) == 20
