"""The books refuse what would make them wrong, whoever asks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from domain.errors import Refused, TryLater
from domain.ids import Kind, public
from ledger.books import issuing, seller
from ledger.books.acting import Word
from ledger.settlement import settling
from ledger.store import Books, Store
from tests.builders import TODAY, ZONE, a_report, ron
from tests.desk import Desk


@pytest.mark.parametrize("table", ["postings", "journal"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET recorded_at = now()", "DELETE FROM {}", "TRUNCATE {}"],
)
def test_what_is_written_stays_written(desk: Desk, store: Store, table: str, statement: str):
    desk.invoice(desk.open())
    before = desk.query(f"SELECT * FROM {table}")
    assert before

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as books:
        books.run(statement.format(table))

    assert desk.query(f"SELECT * FROM {table}") == before


def test_an_invoice_without_a_seller_is_not_issued(desk: Desk):
    draft = desk.draft(desk.client())

    with pytest.raises(Refused, match="no_seller"):
        desk.issue(draft)

    assert desk.standing(draft).number is None


def test_numbers_have_no_gap_and_no_double(desk: Desk, store: Store):
    client = desk.open()
    drafts = [desk.draft(client) for _ in range(20)]
    with store.engine.connect() as connection:
        assert seller.next_number(Books(connection, store)) == "INV-0001"
        connection.rollback()

    with ThreadPoolExecutor(8) as pool:
        numbers = [issued.number for issued in pool.map(desk.issue, drafts)]

    assert sorted(map(str, numbers)) == [f"INV-{n:04d}" for n in range(1, 21)]


def test_an_invoice_is_issued_once(desk: Desk):
    draft = desk.draft(desk.open())
    gate = threading.Barrier(4)

    def issue(_: int) -> str:
        gate.wait()
        try:
            return str(desk.issue(draft).number)
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(issue, range(4)))

    assert answers == ["INV-0001", *["not_a_draft"] * 3]
    assert [kind for kind, *_ in desk.postings()] == ["issue"]


def test_only_an_issued_invoice_is_voided(desk: Desk):
    draft = desk.draft(desk.open())
    with pytest.raises(Refused, match="not_issued"):
        desk.void(draft)
    desk.issue(draft)
    desk.void(draft)

    with pytest.raises(Refused, match="not_issued"):
        desk.void(draft)

    assert desk.differences() == []


@pytest.mark.parametrize("reason", [None, ""])
def test_nothing_is_voided_without_a_reason(desk: Desk, store: Store, reason: str | None):
    invoice = desk.invoice(desk.open())

    with pytest.raises(Refused, match="no_reason"), store.transaction() as books:
        issuing.void(books, invoice.id, Word("test", reason, TODAY, ZONE))

    assert desk.standing(invoice.id).is_open


@pytest.mark.parametrize("act", ["issue", "void"])
def test_money_that_comes_while_an_invoice_is_issued_or_voided_is_not_lost(
    desk: Desk, store: Store, act: str
):
    client = desk.open()
    rounds = 12
    outcomes: list[int] = []
    for number in range(rounds):
        draft = desk.draft(client)
        meant_for = str(public(Kind.INVOICE, draft))
        if act == "void":
            desk.issue(draft)
        report = a_report(ron("121"), reference=f"pi_{number}", meant_for=meant_for)
        (id_,) = desk.deliver([report])
        gate = threading.Barrier(2)

        def pay(gate=gate, id_=id_, report=report) -> None:
            gate.wait()
            with store.transaction() as books:
                settling.settle(books, {id_: (report,)}, ZONE)

        def change(gate=gate, draft=draft) -> None:
            gate.wait()
            while True:
                try:
                    desk.issue(draft) if act == "issue" else desk.void(draft)
                    return
                except TryLater:
                    continue

        with ThreadPoolExecutor(2) as pool:
            for done in (pool.submit(pay), pool.submit(change)):
                done.result()
        outcomes.append(desk.standing(draft).paid_minor)

    assert len(outcomes) == rounds
    assert set(outcomes) == ({12100} if act == "issue" else {0})
    assert desk.differences() == []


def test_a_clients_number_is_taken_once(desk: Desk):
    desk.client(number="C-1")

    with pytest.raises(Refused, match="already_exists"):
        desk.client(number="C-1")


def test_today_is_the_issue_day_and_terms_make_the_due_day(desk: Desk):
    issued = desk.invoice(desk.open())

    assert issued.issue_on == TODAY
    assert issued.due_on is not None
    assert (issued.due_on - TODAY).days == 30


def test_an_act_that_meets_another_is_run_again(desk: Desk, store: Store):
    runs = 0

    def work(books: Books) -> str:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise TryLater(timedelta(seconds=1), "a deadlock")
        return "done"

    assert store.act(work) == "done"
    assert runs == 3


def test_an_act_that_stays_busy_says_so(desk: Desk, store: Store):
    runs = 0

    def work(books: Books) -> None:
        nonlocal runs
        runs += 1
        raise TryLater(timedelta(seconds=1), "a deadlock")

    with pytest.raises(TryLater):
        store.act(work)

    assert runs == 3
