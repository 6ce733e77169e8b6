"""A stop is obeyed by the next piece of work, written down, and ended by a person alone."""

import pytest

from ledger import stops
from ledger.inbox import waiting
from ledger.letters import claiming, reminders
from ledger.stops import Stop
from ledger.store import Books
from tests.builders import a_report, at, ron
from tests.desk import Desk

GATEWAYS = {"stripe": "own/test"}
LATER = at("2027-06-01")


def stop(desk: Desk, what: Stop) -> None:
    with desk.store.transaction() as books:
        assert stops.put(books, what, "cli:ana", "the books are looked at")


def resume(desk: Desk, what: Stop) -> None:
    with desk.store.transaction() as books:
        assert stops.remove(books, what, "cli:ana", None)


def is_any_claimed(books: Books) -> bool:
    fresh, suspect = (
        claim(books, GATEWAYS) for claim in (waiting.claim_fresh, waiting.claim_suspect)
    )
    return bool(fresh or suspect or waiting.is_any_waiting(books, GATEWAYS))


def test_while_settling_is_stopped_nothing_is_claimed_and_nobody_is_nudged(desk: Desk):
    fresh, suspect = desk.deliver([a_report(reference="pi_1")], [a_report(reference="pi_2")])
    desk.query(
        f"INSERT INTO tries (inbox_ids, is_alone) VALUES ('{{{suspect}}}', false) RETURNING id"
    )

    stop(desk, Stop.SETTLING)

    with desk.store.transaction() as books:
        assert not is_any_claimed(books)
    resume(desk, Stop.SETTLING)
    with desk.store.transaction() as books:
        claim = waiting.claim_fresh(books, GATEWAYS)
        assert claim is not None
        assert [row.id for row in claim.rows] == [fresh]
        assert waiting.claim_suspect(books, GATEWAYS) is not None


def test_while_settling_is_stopped_no_failed_batch_is_claimed(desk: Desk):
    desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(waiting.FEW_ROWS + 1)))
    with desk.store.transaction() as books:
        assert waiting.claim_fresh(books, GATEWAYS)

    stop(desk, Stop.SETTLING)

    with desk.store.transaction() as books:
        assert waiting.claim_suspect(books, GATEWAYS) is None
    resume(desk, Stop.SETTLING)
    with desk.store.transaction() as books:
        assert waiting.claim_suspect(books, GATEWAYS) is not None


def test_stopped_letters_leave_settling_alone(desk: Desk):
    invoice = desk.invoice(desk.open())
    stop(desk, Stop.LETTERS)

    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    assert not desk.standing(invoice.id).is_open


@pytest.mark.parametrize("what", [Stop.LETTERS, Stop.SETTLING])
def test_no_letter_is_written_or_claimed_while_it_is_stopped(desk: Desk, what: Stop):
    client = desk.open()
    written, planned = (desk.invoice(client).id for _ in range(2))
    with desk.store.transaction() as books:
        assert reminders.write(books, written, LATER)

    stop(desk, what)

    with desk.store.transaction() as books:
        assert not reminders.write(books, planned, LATER)
        assert claiming.claim(books, LATER) is None
    assert desk.query("SELECT state FROM outbox") == [("waiting",)]
    resume(desk, what)
    with desk.store.transaction() as books:
        assert reminders.write(books, planned, LATER)
        assert isinstance(claiming.claim(books, LATER), claiming.Addressed)


def test_stopping_twice_keeps_the_first_reason_and_is_one_act(desk: Desk):
    stop(desk, Stop.LETTERS)

    with desk.store.transaction() as books:
        assert not stops.put(books, Stop.LETTERS, "cli:bogdan", "another reason")
        (row,) = stops.standing(books)

    assert (row.what, row.actor, row.reason) == ("letters", "cli:ana", "the books are looked at")
    assert desk.query("SELECT count(*) FROM journal") == [(1,)]


def test_both_ends_of_a_stop_are_acts_with_actor_and_reason(desk: Desk):
    stop(desk, Stop.SETTLING)
    with desk.store.transaction() as books:
        assert stops.remove(books, Stop.SETTLING, "cli:bogdan", "all is well")
        assert not stops.remove(books, Stop.SETTLING, "cli:bogdan", "all is well")

    assert desk.query("SELECT actor, act, reason, before, after FROM journal ORDER BY id") == [
        ("cli:ana", "stop", "the books are looked at", None, {"stop": "settling"}),
        ("cli:bogdan", "resume", "all is well", {"stop": "settling"}, None),
    ]
