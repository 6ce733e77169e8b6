"""One address shows what every process counted, and what waits in the database."""

import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from gateways.port import Outcome
from ledger import figures
from ledger.store import Store
from runtime import metrics


@pytest.fixture
def store(fresh_dsn: str) -> Iterator[Store]:
    found = Store(fresh_dsn)
    yield found
    found.close()


def shown(store: Store) -> dict[str, float]:
    """Every figure at the address, by its name and labels."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = metrics.serve(store, "127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    finally:
        stop()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_what_gateways_are_told_is_counted_by_gateway(store: Store):
    before = shown(store)

    metrics.told("stripe", Outcome.KEPT, 5)
    metrics.told("stripe", Outcome.DUPLICATE, 3)
    metrics.told("stripe", Outcome.DIFFERS, 1)
    metrics.told("stripe", Outcome.UNTRUSTED, 2)
    metrics.told("stripe", Outcome.BUSY, 4)
    metrics.unreadable("stripe")
    after = shown(store)

    def grown(name: str) -> float:
        key = f'incasso_{name}_total{{gateway="stripe"}}'
        return after[key] - before.get(key, 0)

    assert grown("accepted") == 5
    assert grown("duplicates") == 3
    assert grown("differing") == 1
    assert grown("refused_signatures") == 2
    assert grown("busy") == 4
    assert grown("unreadable") == 1


def test_every_process_counts_into_the_same_figures(store: Store):
    before = shown(store)

    metrics.flushed(7, 0.01)
    other = "from runtime import metrics; metrics.flushed(5, 0.02); metrics.settled(12, 0.1)"
    subprocess.run([sys.executable, "-c", other], check=True)
    after = shown(store)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("incasso_flush_rows_sum") == 12
    assert grown("incasso_flush_rows_count") == 2
    assert grown("incasso_settle_rows_sum") == 12
    assert grown("incasso_settle_seconds_count") == 1


def test_what_waits_is_counted_when_asked(store: Store):
    with store.transaction() as books:
        books.run(
            "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256,"
            " state, received_at)"
            " SELECT 'stripe', 'own/test', n::text, 'webhook', 'ping', '', '{}', '',"
            " CASE WHEN n <= 2 THEN 'received' WHEN n <= 5 THEN 'parked' WHEN n = 6 THEN 'dead'"
            " ELSE 'done' END, now() - interval '90 s' FROM generate_series(1, 9) AS n"
        )
        books.run(
            "INSERT INTO attention (kind, subject, resolved_at) VALUES"
            " ('overpaid', 'payment:1', NULL), ('overpaid', 'payment:2', NULL),"
            " ('overpaid', 'payment:3', now()), ('dead_event', 'event:6', NULL)"
        )
        books.run(
            "INSERT INTO payments (state, currency, amount_minor, unapplied_minor,"
            " unidentified_minor, method, paid_on) VALUES"
            " ('posted', 'RON', 100, 30, 0, 'stripe', '2026-11-20'),"
            " ('posted', 'RON', 100, 0, 70, 'stripe', '2026-11-20'),"
            " ('posted', 'EUR', 100, 5, 0, 'stripe', '2026-11-20'),"
            " ('posted', 'USD', 100, 0, 0, 'stripe', '2026-11-20')"
        )
        books.run(
            "INSERT INTO outbox (subject, effect, destination, key, body, state, due_at)"
            " SELECT 'x', 'letter', 'y', n::text, '{}',"
            " (ARRAY['waiting', 'done', 'unknown'])[n], now() FROM generate_series(1, 3) AS n"
        )

    found = shown(store)

    gauges = {
        name.removeprefix("incasso_"): value
        for name, value in found.items()
        if name.startswith(
            ("incasso_inbox", "incasso_attention", "incasso_unapplied", "incasso_outbox")
        )
        and value  # kinds of attention that are not open show as nought
    }
    assert gauges == {
        'inbox_rows{state="received"}': 2,
        'inbox_rows{state="parked"}': 3,
        'inbox_rows{state="dead"}': 1,
        'attention_open{kind="overpaid"}': 2,
        'attention_open{kind="dead_event"}': 1,
        'unapplied_minor{currency="RON"}': 100,
        'unapplied_minor{currency="EUR"}': 5,
        'outbox_rows{state="waiting"}': 1,
        'outbox_rows{state="unknown"}': 1,
    }
    assert 89 < found["incasso_oldest_received_seconds"] < 150
    assert found["incasso_figures_known"] == 1


def test_without_a_database_the_counters_are_still_shown():
    lost = Store("postgresql://incasso@/x?host=/nowhere")
    metrics.nudged()

    found = shown(lost)
    lost.close()

    assert found["incasso_figures_known"] == 0
    assert found["incasso_nudges_sent_total"] >= 1


def test_figures_that_raise_alarms_are_there_from_the_start(store: Store):
    metrics.expect(["quiet"])

    told = shown(store)

    assert told['incasso_accepted_total{gateway="quiet"}'] == 0
    assert told['incasso_attention_open{kind="dead_event"}'] == 0


def test_a_frozen_database_does_not_hold_up_the_counters(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    frozen = threading.Event()
    monkeypatch.setattr(metrics, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(figures, "read", lambda _: frozen.wait(5))
    try:
        assert shown(store)["incasso_figures_known"] == 0
    finally:
        frozen.set()
        for thread in threading.enumerate():
            if thread.name == "figures":
                thread.join()
