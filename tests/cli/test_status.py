"""`incasso status`: everything that waits, stands still or needs a person, on one screen."""

import pytest

from domain.errors import Refused
from ledger import migrations
from runtime import clock
from tests.builders import a_report, at, ron
from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.desk import Desk


def test_a_calm_installation_has_nothing_to_show(run: Run, desk: Desk):
    shown, told = run("status"), run("status", "--json")

    assert (shown.code, told.code) == (0, 0)
    assert told.json == {
        "oldest_waiting": None,
        "inbox": {"dead": 0, "parked": 0, "received": 0},
        "last_events": {"stripe": None},
        "dead": [],
        "letters": {"due": 0, "waiting": 0},
        "attention": {},
        "stops": [],
        "schema": migrations.newest(),
        "backup_age_seconds": None,
    }
    assert "nothing waits" in shown.out
    assert "stripe: none" in shown.out
    assert "STOPPED" not in shown.out


def test_what_waits_and_what_is_dead_is_counted(run: Run, desk: Desk):
    desk.deliver(*[Refused("odd", "x")] * 2, Refused("other", "y"))
    desk.settle()
    first, _ = desk.deliver([a_report()], [a_report(reference="pi_2")])
    desk.query(
        f"UPDATE inbox SET received_at = now() - interval '3725 s' WHERE id = {first} RETURNING id"
    )

    shown, told = run("status").out, run("status", "--json").json

    assert told["inbox"] == {"dead": 3, "parked": 0, "received": 2}
    assert told["oldest_waiting"]["id"] == first
    assert 3725 <= told["oldest_waiting"]["seconds"] < 3785
    assert told["dead"] == [
        {"reason": "odd: x", "count": 2, "last_id": 2},
        {"reason": "other: y", "count": 1, "last_id": 3},
    ]
    assert told["attention"] == {"dead_event": 3}
    assert told["last_events"]["stripe"]["id"] == first + 1
    assert "1 h 2 min: event 4, test of stripe" in shown
    assert "2 × odd: x  (such as event 2)" in shown


def test_letters_are_due_until_they_are_written_and_wait_until_they_are_sent(
    run: Run, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    desk.invoice(desk.open())
    monkeypatch.setattr(clock, "now", lambda: at("2027-06-01"))

    assert run("status", "--json").json["letters"] == {"due": 3, "waiting": 0}
    desk.query("UPDATE reminders SET state = 'written' WHERE step_days = 30 RETURNING id")
    desk.query(
        "INSERT INTO outbox (subject, effect, destination, key, body, due_at)"
        " VALUES ('invoice:1', 'letter', 'client', 'k', '{}', now()) RETURNING id"
    )
    assert run("status", "--json").json["letters"] == {"due": 2, "waiting": 1}


def test_a_stop_is_the_first_thing_shown(run: Run, desk: Desk):
    run("stop", "settling", "--reason", "the books are looked at")

    shown, (told,) = run("status").out, run("status", "--json").json["stops"]

    assert shown.splitlines()[0].startswith("STOPPED")
    assert "the books are looked at" in shown.splitlines()[0]
    assert (told["what"], told["reason"]) == ("settling", "the books are looked at")


def test_a_gateway_that_is_not_configured_any_more_is_shown_by_its_money(
    run: Run, desk: Desk, wire: Wire
):
    desk.query("INSERT INTO accounts VALUES ('paypal', 'own') RETURNING gateway")
    desk.deliver([a_report(ron("1"))])
    wire(STRIPE_WEBHOOK_SECRETS=None)

    assert run("status", "--json").json["last_events"] == {"paypal": None}
