"""A worker settles what waits, and blames nobody for what the world or we ourselves did."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from domain.errors import TryLater
from gateways.port import Gateway
from ledger.inbox import waiting
from ledger.store import Store
from runtime import wiring
from tests.desk import Desk
from tests.stripe_events import sisters
from workers import events
from workers.nudges import Nudges


class Trapped:
    """A gateway that stumbles over some bodies; all else is Stripe's."""

    def __init__(self, genuine: Gateway, trap: Exception) -> None:
        self._genuine = genuine
        self._trap = trap
        self.stumbles = 0

    def __getattr__(self, verb: str) -> object:
        return getattr(self._genuine, verb)

    def read(self, raw: bytes) -> object:
        if b"poison" in raw:
            self.stumbles += 1
            raise self._trap
        return self._genuine.read(raw)


def trapped(gateway: Trapped) -> Mapping[str, Gateway]:
    return {"stripe": cast(Gateway, gateway)}


def keep(desk: Desk, *bodies: bytes) -> None:
    for body in bodies:
        with desk.store.transaction() as books:
            books.run(
                "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
                " VALUES ('stripe', 'own/test', :id, 'webhook', :kind, :raw, '{}', '')",
                id=json.loads(body)["id"],
                kind=json.loads(body)["type"],
                raw=body,
            )


def settle_all(store: Store, gateways) -> None:
    """Settles as the task does, without its pauses."""
    found = 1
    while found:
        found = events.settle_next(store, gateways, waiting.claim_fresh)
        found += events.settle_next(store, gateways, waiting.claim_suspect)
        with store.transaction() as books:
            books.run("UPDATE tries SET started_at = started_at - interval '1 hour'")


def test_sister_events_in_the_inbox_make_one_payment(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    keep(desk, *sisters("1", 12100, str(invoice.number)))

    events.settle_events([1, 2, 3])

    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT * FROM tries") == []
    assert desk.differences() == []


def test_one_bad_row_is_dead_after_five_tries_and_its_batch_is_settled(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    (poison, *_) = sisters("poison", 100, str(invoice.number))
    keep(desk, poison, *sisters("1", 12100, str(invoice.number)))
    gateway = Trapped(wiring.gateways()["stripe"], KeyError("x"))

    settle_all(store, trapped(gateway))

    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY 1") == [
        ("dead", 1),
        ("done", 3),
    ]
    assert gateway.stumbles == 1 + waiting.MOST_TRIES  # once among others, five times alone
    assert desk.query("SELECT reason FROM inbox WHERE state = 'dead'") == [
        ("used_up: tried 5 times: KeyError: 'x'",)
    ]
    assert desk.attention() == [("dead_event", "event:1")]
    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def test_a_busy_world_costs_no_try(desk: Desk, store: Store):
    (poison, *_) = sisters("poison", 100, "INV-0001")
    keep(desk, poison)
    gateway = Trapped(wiring.gateways()["stripe"], TryLater(timedelta(seconds=1), "busy"))

    for _ in range(waiting.MOST_TRIES + 1):
        with pytest.raises(TryLater):
            events.settle_next(store, trapped(gateway), waiting.claim_fresh)

    assert gateway.stumbles == waiting.MOST_TRIES + 1
    assert desk.query("SELECT * FROM tries") == []
    assert desk.query("SELECT state FROM inbox") == [("received",)]


def test_a_lost_connection_rolls_back_whole_and_is_settled_later(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    keep(desk, *sisters("1", 12100, str(invoice.number)))
    genuine = wiring.gateways()["stripe"]

    class Cutting(Trapped):
        def read(self, raw: bytes) -> object:
            self.stumbles += 1
            if self.stumbles == 2:
                desk.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE state = 'idle in transaction' AND datname = current_database()"
                )
            return genuine.read(raw)

    cutting = Cutting(genuine, KeyError())
    with pytest.raises(TryLater):
        events.settle_next(store, trapped(cutting), waiting.claim_fresh)
    assert desk.query("SELECT count(*) FROM facts") == [(0,)]
    settle_all(store, {"stripe": genuine})

    assert cutting.stumbles == 3
    assert len(desk.payments()) == 1
    assert desk.query("SELECT * FROM tries") == []
    assert desk.differences() == []


def test_the_sweep_nudges_only_when_a_row_waits_and_clears_old_tries(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
):
    sent: list[object] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: sent.append(tuple(ids)))

    events.sweep()
    assert sent == []
    keep(desk, *sisters("1", 100, "INV-0001"))
    events.sweep()
    assert sent == [()]

    desk.query("INSERT INTO tries (inbox_ids, is_alone) VALUES ('{999}', true) RETURNING id")
    events.sweep()
    assert desk.query("SELECT * FROM tries") == []


def test_the_sweep_books_money_whose_invoice_was_issued_after_it_came(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Nudges, "send", lambda *_: None)
    client = desk.open()
    keep(desk, *sisters("1", 12100, "INV-0001"))
    events.settle_events([])
    invoice = desk.invoice(client)
    assert desk.attention() == [("unknown_invoice", "payment:1")]

    events.sweep()
    events.sweep()

    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == []
    assert [kind for kind, *_ in desk.postings()] == ["receive", "issue", "assign", "allocate"]
    assert desk.differences() == []


def test_the_sweep_wakes_an_event_whose_name_was_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Its waker may have died before it could."""
    monkeypatch.setattr(Nudges, "send", lambda *_: None)
    keep(desk, *sisters("1", 12100, "INV-0001"))
    desk.query("UPDATE inbox SET state = 'parked', waits_for = 'ch_1' RETURNING id")

    events.sweep()
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("parked",)]
    desk.query(
        "INSERT INTO payment_names VALUES ('stripe', 'own/test', 'ch_1', 'pi_1') RETURNING 1"
    )
    events.sweep()

    assert desk.query("SELECT DISTINCT state FROM inbox") == [("received",)]


def test_a_task_that_meets_a_busy_world_is_no_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def busy(*_: object) -> None:
        raise TryLater(timedelta(seconds=1), "the database does not answer")

    monkeypatch.setattr(waiting, "sweep_tries", busy)

    assert events.sweep() is None
