"""An event put back is settled as if it had just come, and never twice."""

import threading
from collections.abc import Mapping

import pytest

from domain.errors import Refused
from domain.facts import Ignored, Reading
from ledger.inbox import replaying, waiting
from ledger.inbox.replaying import PutBackRow
from ledger.inbox.waiting import WaitingRow
from ledger.settlement import rehearsing, settling
from ledger.settlement.rehearsing import InvoiceChange, PaymentChange, Rehearsal
from tests.builders import ZONE, a_report, ron
from tests.desk import Desk

OWN = {"stripe": "own/test"}
EVERYTHING = (
    *("inbox", "tries", "facts", "payment_names", "payments", "intents", "invoices", "postings"),
    *("journal", "attention", "reminders"),
)


def put_back(desk: Desk, *ids: int) -> list[PutBackRow]:
    with desk.store.transaction() as books:
        return replaying.put_back(books, ids, "cli:ana", "the code was mended")


def contents(desk: Desk) -> Mapping[str, list[tuple]]:  # type: ignore[type-arg]
    return {name: desk.query(f"SELECT * FROM {name} ORDER BY 1") for name in EVERYTHING}


def rehearse(desk: Desk, *ids: int) -> Rehearsal:
    """And all is as it was before."""
    before = contents(desk)

    def read(row: WaitingRow) -> Reading | Refused | None:
        return desk.readings.get(row.id)

    seen = rehearsing.rehearse(desk.store, ids, read, ZONE)
    assert contents(desk) == before
    return seen


def test_a_dead_event_that_makes_sense_now_is_settled_like_any_other(desk: Desk):
    invoice = desk.invoice(desk.open())
    (event,) = desk.deliver(Refused("malformed_amount", "no number"))
    desk.settle()
    assert desk.attention() == [("dead_event", f"event:{event}")]

    desk.readings[event] = (a_report(ron("121"), meant_for=invoice.number),)
    assert put_back(desk, event) == [PutBackRow(event, "dead")]
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT state, reason FROM inbox") == [("done", None)]
    assert desk.attention() == []
    assert desk.query("SELECT resolver, how FROM attention") == [("cli:ana", "the code was mended")]
    assert desk.differences() == []


def test_an_event_that_is_still_wrong_is_dead_again_and_says_so_again(desk: Desk):
    (event,) = desk.deliver(Refused("malformed_amount", "no number"))
    desk.settle()

    put_back(desk, event)
    desk.settle()

    assert desk.query("SELECT state FROM inbox") == [("dead",)]
    assert desk.attention() == [("dead_event", f"event:{event}")]


def test_what_was_done_is_posted_once_however_often_it_is_replayed(desk: Desk):
    invoice = desk.invoice(desk.open())
    ids = desk.deliver(
        [a_report(ron("100"), meant_for=invoice.number)],
        [a_report(ron("100"), meant_for=invoice.number)],
        Ignored("tells nothing"),
    )
    desk.settle()
    postings = desk.postings()

    for _ in range(3):
        assert len(put_back(desk, *ids)) == 3
        desk.settle()

    assert desk.postings() == postings
    assert desk.query("SELECT state FROM inbox ORDER BY id") == [("done",), ("done",), ("ignored",)]
    assert desk.differences() == []


def test_tries_are_cleared_and_those_of_the_neighbours_stay(desk: Desk):
    replayed, neighbour = desk.deliver([a_report()], [a_report(reference="pi_2")])
    desk.query(f"UPDATE inbox SET state = 'dead', reason = 'x' WHERE id = {replayed} RETURNING id")
    desk.query(
        "INSERT INTO tries (inbox_ids, is_alone) VALUES"
        f" ('{{{replayed},{neighbour}}}', false), ('{{{replayed}}}', true),"
        f" ('{{{neighbour}}}', true) RETURNING id"
    )

    put_back(desk, replayed)

    assert desk.query("SELECT inbox_ids, is_alone FROM tries ORDER BY id") == [
        ([neighbour], False),
        ([neighbour], True),
    ]
    with desk.store.transaction() as books:
        claim = waiting.claim_fresh(books, OWN)
    assert claim is not None
    assert [row.id for row in claim.rows] == [replayed]


def test_what_waits_already_is_left_alone_with_its_tries(desk: Desk):
    (event,) = desk.deliver([a_report()])
    desk.query(f"INSERT INTO tries (inbox_ids, is_alone) VALUES ('{{{event}}}', true) RETURNING id")

    assert put_back(desk, event) == []

    assert desk.query("SELECT count(*) FROM tries") == [(1,)]
    assert desk.query("SELECT count(*) FROM journal") == [(0,)]


def test_a_replay_is_one_act_with_actor_reason_and_what_each_event_was(desk: Desk):
    ids = desk.deliver([a_report()], Refused("x", "x"), Ignored("x"))
    desk.settle()

    put_back(desk, *ids)

    assert desk.query("SELECT actor, reason, before, after FROM journal WHERE act = 'replay'") == [
        (
            *("cli:ana", "the code was mended"),
            {"dead": [ids[1]], "done": [ids[0]], "ignored": [ids[2]]},
            {"inbox": ids},
        )
    ]


def test_a_rehearsal_shows_what_a_replay_would_change_and_changes_nothing(desk: Desk):
    invoice = desk.invoice(desk.open())
    paid, gone, done = desk.deliver(
        Refused("malformed_amount", "no number"),
        Refused("malformed_amount", "no number"),
        [a_report(ron("21"), reference="pi_0", meant_for=invoice.number)],
    )
    desk.settle()
    desk.readings[paid] = (a_report(ron("150"), meant_for=invoice.number),)

    seen = rehearse(desk, paid, gone, done)

    assert [(each.id, each.before, each.after) for each in seen.events] == [
        (paid, "dead", "done"),
        (gone, "dead", "dead"),
        (done, "done", "done"),
    ]
    assert [(each.kind, each.amount_minor, each.invoice) for each in seen.postings] == [
        ("receive", 15000, None),
        ("allocate", 10000, invoice.number),
    ]
    assert seen.payments == [PaymentChange("pi_1", True, "RON", 15000, 5000)]
    assert seen.invoices == [InvoiceChange(invoice.number, "RON", 10000, 0)]
    assert [each.kind for each in seen.opened] == ["overpaid"]
    assert [(each.kind, each.subject) for each in seen.resolved] == [
        ("dead_event", f"event:{paid}")
    ]


def test_what_a_rehearsal_shows_is_what_the_replay_does(desk: Desk):
    invoice = desk.invoice(desk.open())
    (event,) = desk.deliver(Refused("malformed_amount", "no number"))
    desk.settle()
    desk.readings[event] = (a_report(ron("121"), meant_for=invoice.number),)
    before = len(desk.postings())

    seen = rehearse(desk, event)
    put_back(desk, event)
    desk.settle()

    assert [
        (each.kind, each.source, each.destination, each.amount_minor) for each in seen.postings
    ] == desk.postings()[before:]


def test_an_event_whose_gateway_is_not_configured_would_wait(desk: Desk):
    (event,) = desk.deliver(Refused("x", "x"))
    desk.settle()
    desk.readings.clear()

    seen = rehearse(desk, event)

    assert [(each.before, each.after) for each in seen.events] == [("dead", "received")]


def test_one_event_that_breaks_the_code_hides_no_other_in_a_rehearsal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    poison, innocent, odd = desk.deliver(*[Refused("x", "x")] * 3)
    desk.settle()
    desk.readings[poison] = (a_report(reference="pi_poison"),)
    desk.readings[innocent] = (a_report(reference="pi_innocent"),)
    settle = settling.settle

    def stumble(books, readings, zone):
        settled = settle(books, readings, zone)
        if isinstance(readings.get(poison), tuple):
            raise KeyError("x")
        return settled

    monkeypatch.setattr(settling, "settle", stumble)

    seen = rehearse(desk, poison, innocent, odd)

    assert [(each.id, each.after, each.reason) for each in seen.events] == [
        (poison, "dead", "used_up: tried 5 times: KeyError: 'x'"),
        (innocent, "done", None),
        (odd, "dead", "x: x"),
    ]
    assert [each.reference for each in seen.payments] == ["pi_innocent"]


def test_a_rehearsal_takes_nothing_others_commit_meanwhile_for_its_own(desk: Desk):
    (event,) = desk.deliver(Refused("x", "x"))
    desk.settle()
    desk.readings[event] = (a_report(reference="pi_ours"),)

    def read(row: WaitingRow) -> Reading | Refused:
        desk.deliver([a_report(reference="pi_theirs")])
        desk.settle()
        return desk.readings[row.id]

    seen = rehearsing.rehearse(desk.store, [event], read, ZONE)

    assert [each.reference for each in seen.payments] == ["pi_ours"]
    assert [payment.gateway_reference for payment in desk.payments()] == ["pi_theirs"]


def test_two_persons_who_replay_one_event_at_once_are_one_act(desk: Desk):
    (event,) = desk.deliver(Refused("x", "x"))
    desk.settle()
    second: list[PutBackRow] = []
    other = threading.Thread(target=lambda: second.extend(put_back(desk, event)))

    with desk.store.transaction() as books:
        first = replaying.put_back(books, [event], "cli:ana", "the code was mended")
        other.start()
        while desk.query("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            other.join(0.01)
    other.join()

    assert (first, second) == ([PutBackRow(event, "dead")], [])
    assert desk.query("SELECT count(*) FROM journal WHERE act = 'replay'") == [(1,)]
