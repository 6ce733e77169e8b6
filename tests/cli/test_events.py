"""`incasso events`: the event one looks for, and all it left behind."""

import json

import pytest

from domain.errors import Refused
from domain.facts import Ignored
from runtime import wiring
from tests.builders import a_report, ron
from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.desk import Desk
from tests.stripe_events import event, sisters

DONE, DEAD, IGNORED, RECEIVED = 1, 2, 3, 4


@pytest.fixture
def day(desk: Desk) -> Desk:
    """One event of each state, but parked."""
    invoice = desk.invoice(desk.open())
    desk.deliver(
        [a_report(ron("121"), meant_for=invoice.number)],
        Refused("malformed_amount", "the Amount is no number"),
        Ignored("tells nothing about money"),
    )
    desk.settle()
    desk.deliver([a_report(reference="pi_2")])
    return desk


def ids(run: Run, *options: str) -> list[int]:
    ran = run("events", *options, "--json")
    assert ran.code == 0, ran.err
    return [row["id"] for row in ran.json]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [RECEIVED, IGNORED, DEAD, DONE]),
        (["--state", "dead"], [DEAD]),
        (["--state", "dead", "--state", "received"], [RECEIVED, DEAD]),
        (["--state", "parked"], []),
        (["--reason", "amount IS no"], [DEAD]),
        (["--reason", "%"], []),
        (["--gateway", "stripe", "--state", "done"], [DONE]),
        (["--gateway", "paypal"], []),
        (["--older", "10m"], [DONE]),
        (["--limit", "2"], [RECEIVED, IGNORED]),
    ],
)
def test_the_list_holds_what_was_asked_for(
    run: Run, day: Desk, options: list[str], found: list[int]
):
    day.query("UPDATE inbox SET received_at = now() - interval '11 min' WHERE id = 1 RETURNING id")

    assert ids(run, *options) == found


def test_the_table_shows_each_event_and_says_when_there_are_more(run: Run, day: Desk):
    whole, part, none = run("events"), run("events", "--limit", "1"), run("events", "--older", "9d")

    assert "malformed_amount: the Amount is no number" in whole.out
    assert len(whole.out.splitlines()) == 5
    assert "and more" in part.out
    assert "and more" not in whole.out
    assert none.out == "No such event.\n"


def test_sister_events_are_shown_with_the_facts_and_postings_of_their_payment(run: Run, day: Desk):
    bodies = list(sisters("1", 12100, "INV-0001"))
    ids_ = day.deliver(*[[a_report(ron("121"), names=["ch_1"])]] * 3)
    for id_, body in zip(ids_, bodies, strict=True):
        with day.store.transaction() as books:
            books.run("UPDATE inbox SET raw = :raw WHERE id = :id", raw=body, id=id_)
    day.settle()

    for id_ in ids_:
        shown, told = (
            run("events", "show", str(id_)),
            run("events", "show", str(id_), "--json").json,
        )

        assert told["event"]["state"] == "done"
        assert told["says"] == "something of pi_1"
        assert [(fact["reference"], fact["status"]) for fact in told["facts"]] == [
            ("pi_1", "succeeded")
        ]
        assert [posting["kind"] for posting in told["postings"]] == ["receive", "allocate"]
        assert told["tries"] == []
        assert "last told by " in shown.out
        assert "121.00 RON" in shown.out


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (
            event(
                "evt_x",
                "charge.refunded",
                {"id": "ch_9", "payment_intent": "pi_9", "amount_refunded": 5, "currency": "ron"},
            ),
            "something of pi_9",
        ),
        (
            event("evt_x", "checkout.session.expired", {"id": "cs_1", "metadata": {}}),
            "how an attempt to pay ended",
        ),
    ],
)
def test_an_event_without_a_fact_says_what_it_is_about(run: Run, day: Desk, raw: bytes, says: str):
    with day.store.transaction() as books:
        books.run("UPDATE inbox SET raw = :raw WHERE id = 3", raw=raw)

    assert f"says {says}" in run("events", "show", "3").out


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"{}", "nothing that makes sense"),
        (event("evt_x", "customer.created", {"object": "customer"}), "nothing about our money"),
    ],
)
def test_an_event_that_tells_nothing_of_a_payment_says_so(
    run: Run, day: Desk, raw: bytes, says: str
):
    with day.store.transaction() as books:
        books.run("UPDATE inbox SET raw = :raw WHERE id = 3", raw=raw)

    assert says in run("events", "show", "3").out
    assert "Nothing was posted." in run("events", "show", "3").out


def test_an_event_that_breaks_our_code_is_shown_all_the_same(
    run: Run, day: Desk, monkeypatch: pytest.MonkeyPatch
):
    genuine = wiring.gateways()["stripe"]
    monkeypatch.setattr(type(genuine), "read", lambda self, raw: json.loads("no"))

    shown = run("events", "show", "2")

    assert shown.code == 0
    assert "breaks our code: JSONDecodeError" in shown.out


def test_an_event_of_a_gateway_that_is_not_configured_is_shown_all_the_same(
    run: Run, day: Desk, wire: Wire
):
    wire(STRIPE_WEBHOOK_SECRETS=None)

    assert "stripe is not configured" in run("events", "show", "1").out


def test_one_event_is_shown_with_its_tries(run: Run, day: Desk):
    day.query(
        "INSERT INTO tries (inbox_ids, is_alone, reason) VALUES ('{4,5}', false, 'KeyError'),"
        " ('{4}', true, NULL) RETURNING id"
    )

    shown, told = run("events", "show", "4"), run("events", "show", "4", "--json").json

    assert [(each["is_alone"], each["reason"]) for each in told["tries"]] == [
        (False, "KeyError"),
        (True, None),
    ]
    assert "among others: KeyError" in shown.out
    assert "Nothing was posted." in shown.out
    assert ids(run, "--state", "received") == [4]


def test_the_body_is_shown_only_when_asked_for_and_can_do_nothing_to_a_terminal(
    run: Run, day: Desk
):
    body = b'{"name": "Ana",\n "trick": "\x1b[2J\xff"}'
    with day.store.transaction() as books:
        books.run("UPDATE inbox SET raw = :raw WHERE id = 1", raw=body)

    hidden, hidden_json = run("events", "show", "1"), run("events", "show", "1", "--json")
    shown, told = run("events", "show", "1", "--raw"), run("events", "show", "1", "--raw", "--json")

    assert "Ana" not in hidden.out + hidden_json.out
    assert '"name": "Ana",\n "trick": "\\x1b[2J\\xff"' in shown.out
    assert told.json["raw"].startswith('{"name": "Ana"')


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("events --state lost", 2),
        ("events --older soon", 2),
        ("events --older 10", 2),
        ("events --limit 0", 2),
        ("events --limit 10001", 2),
        ("events show", 2),
        ("events show x", 2),
        ("events show 0", 2),
        ("events show 9223372036854775808", 2),
        ("events show 99", 1),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(run: Run, day: Desk, command: str, code: int):
    ran = run(*command.split())

    assert ran.code == code
    assert ran.out == ""
    assert "Traceback" not in ran.err
