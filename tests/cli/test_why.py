"""`incasso why`: from an invoice back to what the gateway told."""

import pytest

from domain.ids import Kind, public
from tests.builders import a_report, ron
from tests.cli.running import Run
from tests.desk import Desk

BODY = b'{"name": "Ana", "trick": "\x1b[2J"}'


@pytest.fixture
def paid(desk: Desk) -> Desk:
    invoice = desk.invoice(desk.open())
    (event,) = desk.deliver([a_report(ron("150"), meant_for=invoice.number)])
    with desk.store.transaction() as books:
        books.run(
            "UPDATE inbox SET raw = :raw, sha256 = '\\x0a0b' WHERE id = :id", raw=BODY, id=event
        )
    desk.settle()
    return desk


def test_every_posting_leads_to_its_act_its_fact_and_its_delivery(run: Run, paid: Desk):
    ran = run("why", "INV-0001")

    assert ran.code == 0, ran.err
    assert ran.out.startswith("INV-0001 is paid: 121.00 RON of 121.00 RON\n")
    for line in (
        "1. issue  invoice → outside:sales  121.00 RON",
        "by test: issue, act 1",
        "2. receive  outside:stripe:own/test → payment  150.00 RON  on 2026-11-20",
        "by worker: settle, act 2",
        "fact pi_1 in: payment succeeded, 150.00 RON",
        "told by event 1: test evt_1, a webhook of stripe (own/test)",
        "sha256 0a0b",
        "3. allocate  payment → invoice  121.00 RON",
        "money of pi_1 in, told by event 1",
    ):
        assert line in ran.out


def test_programs_get_the_same_by_number_or_id(run: Run, paid: Desk):
    by_number = run("why", "INV-0001", "--json").json
    by_id = run("why", str(public(Kind.INVOICE, 1)), "--json").json

    assert by_number == by_id
    assert (by_number["status"], by_number["open_minor"]) == ("paid", 0)
    received = by_number["postings"][1]
    assert received["act"]["events"] == [1]
    assert [fact["sha256"] for fact in received["facts"]] == ["0a0b"]
    assert "raw" not in by_number


def test_the_body_is_shown_only_when_asked_for(run: Run, paid: Desk):
    assert "Ana" not in run("why", "INV-0001").out + run("why", "INV-0001", "--json").out
    assert '"name": "Ana", "trick": "\\x1b[2J"' in run("why", "INV-0001", "--raw").out
    assert run("why", "INV-0001", "--raw", "--json").json["raw"]["1"].startswith('{"name": "Ana"')


def test_a_fact_that_was_told_again_since_says_so(run: Run, paid: Desk):
    paid.deliver([a_report(ron("160"), meant_for="INV-0001")])
    paid.settle()

    shown = run("why", "INV-0001").out

    assert "told by event 2, which changed the fact since: " in shown
    assert "told by event 2: " in shown


def test_an_act_of_a_person_says_why(run: Run, paid: Desk):
    paid.void(1)

    shown = run("why", "INV-0001").out

    assert "by test: void, act 3" in shown
    assert "because: a mistake" in shown
    assert "takes back posting 3" in shown


def test_what_people_decided_about_the_money_is_told(run: Run, paid: Desk):
    paid.unlink(1)
    paid.link(1, 1, 5000)
    paid.write_off(1, 100)
    paid.credit_note(1)

    shown = run("why", "INV-0001").out

    for act in ("unlink", "link", "write_off", "credit_note"):
        assert f"by test: {act}, act" in shown
    assert "outside:write_off → invoice  1.00 RON" in shown
    assert shown.count("because: a person said so") == 4


def test_a_draft_and_an_unpaid_invoice_say_that_nothing_came(run: Run, desk: Desk):
    client = desk.open()
    draft, issued = desk.draft(client), desk.invoice(client)

    assert "Nothing was ever posted" in run("why", str(public(Kind.INVOICE, draft))).out
    shown = run("why", str(issued.number)).out
    assert "is sent: 0.00 RON of 121.00 RON" in shown
    assert "receive" not in shown


@pytest.mark.parametrize("name", ["INV-9999", "x", str(public(Kind.INVOICE, 99))])
def test_an_unknown_invoice_is_told_in_a_line(run: Run, desk: Desk, name: str):
    ran = run("why", name)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"incasso: there is no invoice {name}\n"
