"""Reminders: planned once, cancelled with the money, written when due and still owed."""

from datetime import timedelta

from domain.errors import Refused
from ledger import outbox
from ledger.letters import claiming, reminders
from ledger.store import Store
from tests.builders import ZONE, a_report, at, eur, ron
from tests.desk import Desk

ALL_DUE = at("2027-06-01")
FIRST_DUE = at("2026-12-28")


def steps(desk: Desk) -> list[tuple[int, str]]:
    return desk.query("SELECT step_days, state FROM reminders ORDER BY cycle, step_days")


def write(store: Store, now=ALL_DUE) -> list[bool]:
    with store.transaction() as books:
        due = reminders.due_invoices(books, now)
    written = []
    for invoice_id in due:
        with store.transaction() as books:
            written.append(reminders.write(books, invoice_id, now))
    return written


def claim(store: Store, now=ALL_DUE, passed_over=()):
    with store.transaction() as books:
        return claiming.claim(books, now, passed_over)


def test_issuing_plans_the_three_steps(desk: Desk):
    desk.invoice(desk.open())

    assert steps(desk) == [(7, "planned"), (14, "planned"), (30, "planned")]


def test_planning_again_plans_nothing(desk: Desk, store: Store):
    desk.invoice(desk.open())

    with store.transaction() as books:
        assert reminders.plan(books, ZONE) == 0

    assert len(steps(desk)) == 3


def test_the_sweep_plans_what_an_import_left_unplanned(desk: Desk, store: Store):
    desk.invoice(desk.open())
    desk.query("DELETE FROM reminders RETURNING id")

    with store.transaction() as books:
        assert reminders.plan(books, ZONE) == 3


def test_a_client_who_gets_no_reminders_gets_none(desk: Desk, store: Store):
    desk.open()
    desk.invoice(desk.client(reminder_policy="none"))

    with store.transaction() as books:
        assert reminders.plan(books, ZONE) == 0
    assert steps(desk) == []


def test_part_payment_keeps_the_reminders_and_full_payment_cancels_them(desk: Desk):
    invoice = desk.invoice(desk.open())
    seen = []
    for reference, amount in (("pi_1", "100"), ("pi_2", "21")):
        desk.deliver([a_report(ron(amount), reference=reference, meant_for=invoice.number)])
        desk.settle()
        seen.append({state for _, state in steps(desk)})

    assert seen == [{"planned"}, {"cancelled"}]


def test_voiding_cancels_the_reminders(desk: Desk):
    desk.void(desk.invoice(desk.open()).id)

    assert {state for _, state in steps(desk)} == {"cancelled"}


def test_a_due_step_is_written_once(desk: Desk, store: Store):
    desk.invoice(desk.open())

    assert write(store, FIRST_DUE) == [True]
    assert write(store, FIRST_DUE) == []

    assert steps(desk) == [(7, "written"), (14, "planned"), (30, "planned")]
    assert desk.query("SELECT key, effect FROM outbox") == [("reminder:1:7:1", "letter")]


def test_after_a_long_absence_only_the_latest_step_is_written(desk: Desk, store: Store):
    desk.invoice(desk.open())

    assert write(store) == [True]

    assert steps(desk) == [(7, "skipped"), (14, "skipped"), (30, "written")]
    assert desk.query("SELECT count(*) FROM outbox") == [(1,)]


def test_a_letter_written_before_the_money_came_is_not_sent(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    write(store)
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    assert isinstance(claim(store), claiming.Closed)
    assert claim(store) is None

    assert desk.query("SELECT state, reason FROM outbox") == [("cancelled", "no longer owed")]


def test_a_lease_keeps_others_away_until_it_runs_out(desk: Desk, store: Store):
    desk.invoice(desk.open())
    write(store)

    first, second, third = (
        claim(store, ALL_DUE + timedelta(seconds=seconds)) for seconds in (0, 59, 61)
    )

    assert isinstance(first, claiming.Addressed)
    assert second is None
    assert isinstance(third, claiming.Addressed)
    with store.transaction() as books:
        assert not outbox.finish(books, first.leased)
        assert outbox.finish(books, third.leased)
    assert desk.query("SELECT state, fence, attempts FROM outbox") == [("done", 2, 2)]


def test_a_letter_tells_what_is_owed_now(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    write(store)
    desk.deliver([a_report(ron("21"), meant_for=invoice.number)])
    desk.settle()

    claimed = claim(store)

    assert isinstance(claimed, claiming.Addressed)
    assert (claimed.overdue.total, claimed.overdue.open) == (ron("121"), ron("100"))
    assert claimed.recipient == "ana@example.ro"


def test_the_same_errand_is_put_once(desk: Desk, store: Store):
    errand = outbox.Errand("invoice:1", "letter", "client", "reminder:1:7:1", {}, ALL_DUE)
    for _ in range(2):
        with store.transaction() as books:
            outbox.put(books, errand)

    assert desk.query("SELECT count(*) FROM outbox") == [(1,)]


def test_of_one_subject_only_the_oldest_errand_is_offered(desk: Desk, store: Store):
    with store.transaction() as books:
        for key in ("a", "b"):
            outbox.put(books, outbox.Errand("invoice:1", "letter", "client", key, {}, ALL_DUE))
    offered = []
    for _ in range(3):
        with store.transaction() as books:
            due = outbox.next_due(books, "letter", ALL_DUE)
            leased = outbox.lease(books, due[0], ALL_DUE) if due else None
        offered.append(leased.key if leased else None)
        if len(offered) == 2 and leased is None:
            with store.transaction() as books:
                outbox.cancel(books, 1, "test")

    assert offered == ["a", None, "b"]


def test_an_errand_put_off_comes_back_at_its_time(desk: Desk, store: Store):
    with store.transaction() as books:
        outbox.put(books, outbox.Errand("invoice:1", "letter", "client", "a", {}, ALL_DUE))
        leased = outbox.lease(books, 1, ALL_DUE)
        assert leased is not None
        outbox.put_off(books, leased, ALL_DUE + timedelta(hours=1), "the mailbox is full")

    with store.transaction() as books:
        assert outbox.next_due(books, "letter", ALL_DUE + timedelta(minutes=59)) is None
        assert outbox.next_due(books, "letter", ALL_DUE + timedelta(hours=1)) is not None


def test_a_report_kept_while_the_claim_waited_for_the_lock_makes_it_wait(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    write(store)
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])

    passed_over = claim(store)

    assert isinstance(passed_over, claiming.PassedOver)
    assert claim(store, passed_over=[passed_over.errand_id]) is None
    assert desk.query("SELECT state FROM outbox") == [("waiting",)]


def test_a_letter_waits_while_a_report_nobody_could_read_is_not_looked_at(desk: Desk, store: Store):
    desk.invoice(desk.open())
    write(store)
    desk.deliver(Refused("malformed_amount", "-1 is no amount"))
    desk.settle()

    assert isinstance(claim(store), claiming.PassedOver)
    desk.query("UPDATE attention SET resolved_at = now() RETURNING id")

    assert isinstance(claim(store), claiming.Addressed)


def test_money_in_another_currency_keeps_its_payer_from_being_chased(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    write(store, FIRST_DUE)
    desk.deliver([a_report(eur("121"), meant_for=invoice.number)])
    desk.settle()

    assert isinstance(claim(store), claiming.PassedOver)
    assert write(store) == [False]
    assert steps(desk) == [(7, "written"), (14, "planned"), (30, "planned")]


def test_of_two_letters_only_the_later_is_sent(desk: Desk, store: Store):
    desk.invoice(desk.open())
    write(store, FIRST_DUE)
    write(store)

    assert isinstance(claim(store), claiming.Closed)
    later = claim(store)

    assert isinstance(later, claiming.Addressed)
    assert later.step_days == 30


def test_a_zone_nobody_knows_stops_no_planning(desk: Desk, store: Store):
    desk.open()
    desk.invoice(desk.client(timezone="Mars/Olympus"))

    assert len(steps(desk)) == 3
