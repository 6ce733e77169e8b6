"""`incasso replay`: which events it puts back, what it shows before, and what it refuses."""

import json
import sys
from io import StringIO

import pytest

from ledger.store import Store
from runtime import wiring
from tests.cli.running import Run
from tests.desk import Desk
from tests.stripe_events import sisters
from workers import events
from workers.nudges import Nudges

PAID, ODD, OTHER = 1, 2, 3  # a genuine event, one that makes no sense, one of another gateway


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    sent: list[object] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: sent.append(ids))
    return sent


@pytest.fixture
def dead(desk: Desk, sent: list[object]) -> Desk:
    """An open invoice and three dead events; the first makes sense by now."""
    invoice = desk.invoice(desk.open())
    body = next(sisters("1", 12100, str(invoice.number)))
    for gateway, event_id, raw, reason, day in (
        ("stripe", "evt_1", body, "used_up: tried 5 times: KeyError: 'x'", "2026-11-19T22:00Z"),
        ("stripe", "evt_2", b"{}", "malformed_event: no type", "2026-11-19T21:59:59Z"),
        ("paypal", "evt_3", b"{}", "malformed_event: no type", "2026-11-20T12:00Z"),
    ):
        with desk.store.transaction() as books:
            books.run(
                "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256,"
                " state, reason, received_at) VALUES (:gateway, 'own/test', :id, 'webhook', 'x',"
                " :raw, '{}', '', 'dead', :reason, CAST(:at AS timestamptz))",
                gateway=gateway,
                id=event_id,
                raw=raw,
                reason=reason,
                at=day,
            )
    desk.query(
        "INSERT INTO attention (kind, subject) SELECT 'dead_event', 'event:' || id FROM inbox"
        " RETURNING id"
    )
    return desk


def waiting(desk: Desk) -> list[int]:
    return [id_ for (id_,) in desk.query("SELECT id FROM inbox WHERE state = 'received'")]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("1", [PAID]),
        ("3 1 1", [PAID, OTHER]),
        ("--reason keyerror --yes", [PAID]),
        ("--reason malformed_event --yes", [ODD, OTHER]),
        ("--reason malformed_event --gateway stripe --yes", [ODD]),
        ("--reason malformed_event --limit 1", [ODD]),
        ("--gateway stripe --since 2026-11-20 --yes", [PAID]),  # a day of the seller begins at 22 h
        ("--gateway stripe --since 2026-11-19T21:59Z --limit 5", [PAID, ODD]),
        ("--gateway stripe --since 2026-11-20 --state done --yes", []),
        ("--reason nothing-like-it", []),
    ],
)
def test_what_was_named_waits_again_and_nothing_else(
    run: Run, dead: Desk, sent: list[object], options: str, found: list[int]
):
    ran = run("replay", *options.split(), "--how", "mended", "--json")

    assert ran.code == 0, ran.err
    assert ran.json == {"put_back": [{"id": id_, "was": "dead"} for id_ in found]}
    assert waiting(dead) == found
    assert sent == ([()] if found else [])
    assert dead.query("SELECT count(*) FROM attention WHERE how = 'mended'") == [(len(found),)]


def test_a_replayed_event_is_settled_and_the_audit_is_content(run: Run, dead: Desk, store: Store):
    told = run("replay", "1")
    events.settle_events([])

    assert told.out.startswith("Put back 1 dead event.\nA worker settles them now")
    assert not dead.standing(1).is_open
    assert dead.differences() == []
    assert "Put back 1 done event." in run("replay", "1").out
    assert "Nothing to put back" in run("replay", "1").out
    assert "it waits already" in run("replay", "1", "--dry-run").out


def test_a_dry_run_shows_the_money_and_changes_nothing(run: Run, dead: Desk, sent: list[object]):
    shown, told = (
        run("replay", "1", "2", "3", "--dry-run"),
        run("replay", "1", "--dry-run", "--json"),
    )

    assert (shown.code, told.code) == (0, 0), shown.err
    for line in ("121.00 RON", "INV-0001: open 121.00 RON → 0.00 RON", "Nothing was changed"):
        assert line in shown.out
    assert [(each["id"], each["before"], each["after"]) for each in told.json["events"]] == [
        (PAID, "dead", "done")
    ]
    assert [each["kind"] for each in told.json["postings"]] == ["receive", "allocate"]
    assert [each["subject"] for each in told.json["resolved"]] == ["event:1"]
    assert waiting(dead) == []
    assert dead.payments() == []
    assert dead.standing(1).is_open
    assert len(dead.attention()) == 3
    assert sent == []


def test_a_dry_run_tells_what_would_stay_dead_and_what_would_wait(
    run: Run, dead: Desk, monkeypatch: pytest.MonkeyPatch
):
    told = run("replay", "2", "3", "--dry-run", "--json").json
    genuine = wiring.gateways()["stripe"]
    monkeypatch.setattr(type(genuine), "read", lambda self, raw: json.loads("no"))
    broken = run("replay", "1", "--dry-run", "--json").json

    assert [(each["id"], each["after"]) for each in told["events"]] == [
        (ODD, "dead"),
        (OTHER, "received"),
    ]
    assert [each["after"] for each in broken["events"]] == ["dead"]
    assert "JSONDecodeError" in broken["events"][0]["reason"]


@pytest.mark.parametrize(("answer", "found"), [("y\n", [ODD, OTHER]), ("n\n", []), ("", [])])
def test_a_broad_replay_asks_first_and_says_how_many(
    run: Run, dead: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, found: list[int]
):
    monkeypatch.setattr(sys, "stdin", StringIO(answer))

    ran = run("replay", "--reason", "malformed")

    assert ran.code == (0 if found else 1)
    assert "Put back 2 dead events?" in ran.err
    assert waiting(dead) == found


def test_it_says_when_settling_is_stopped(run: Run, dead: Desk):
    run("stop", "settling", "--reason", "x")

    assert "incasso resume settling" in run("replay", "1").out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("", 2),
        ("--gateway stripe", 2),
        ("--since 2026-11-20", 2),
        ("--gateway stripe --since yesterday", 2),
        ("--gateway stripe --since 2026-02-30", 2),
        ("1 --reason x", 2),
        ("1 --gateway stripe --since 2026-11-20", 2),
        ("x", 2),
        ("0", 2),
        ("-1", 2),
        ("9223372036854775808", 2),
        ("1 --state lost", 2),
        ("--reason x --limit 0", 2),
        ("1 99", 1),
        ("99 --dry-run", 1),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line_and_changes_nothing(
    run: Run, dead: Desk, sent: list[object], options: str, code: int
):
    ran = run("replay", *options.split())

    assert ran.code == code
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert waiting(dead) == []
    assert dead.query("SELECT count(*) FROM journal WHERE act = 'replay'") == [(0,)]
    assert sent == []
