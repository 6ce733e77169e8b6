"""Every row lock of the ledger: what goes wrong without it is tried with two transactions."""

from collections.abc import Callable

import pytest

from domain.errors import Refused, TryLater
from domain.facts import Approval, AttemptEnd, Ending, Report, Status
from domain.invoices import Standing
from ledger.books import holds, issuing, linking, reducing
from ledger.inbox import parking, replaying, waiting
from ledger.inbox.waiting import Closing
from ledger.letters import claiming, reminders
from ledger.settlement import attempts, captures, settling
from ledger.store import Books, Store
from tests.builders import TODAY, ZONE, a_report, at, ron
from tests.desk import WORD, Desk
from tests.ledger.meeting import meet

ACCOUNTS = {"stripe": "own/test"}
LATER = at("2027-06-01")


def settling_of(inbox_id: int, report: Report) -> Callable[[Books], None]:
    def settle(books: Books) -> None:
        settling.settle(books, {inbox_id: (report,)}, ZONE)
        waiting.close(books, [Closing(inbox_id, "done")])

    return settle


def writing_off(invoice: Standing) -> Callable[[Books], Standing]:
    return lambda books: reducing.write_off(books, invoice.id, WORD)


def test_two_halves_of_a_payment_are_joined_one_after_the_other(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), status=Status.PENDING, meant_for=None)])
    desk.settle()
    paid = a_report(ron("121"), meant_for=None)
    named = a_report(ron("121"), status=Status.PENDING, meant_for=invoice.number)
    ids = desk.deliver([paid], [named])

    meet(store, settling_of(ids[0], paid), settling_of(ids[1], named))

    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def test_one_credit_is_applied_once(desk: Desk, store: Store):
    client = desk.open()
    desk.deliver([a_report(ron("121"), meant_for=None)])
    desk.settle()
    payment = desk.payments()[0].id
    desk.assign(payment, client)
    one, two = desk.invoice(client), desk.invoice(client)

    def link(books: Books, invoice: Standing) -> bool:
        return linking.link(books, payment, invoice.id, WORD)

    with pytest.raises(Refused, match="no_credit"):
        meet(store, lambda books: link(books, one), lambda books: link(books, two))

    assert (desk.standing(one.id).paid_minor, desk.standing(two.id).paid_minor) == (12100, 0)
    assert desk.differences() == []


def test_two_payments_of_one_invoice_pay_it_up_to_its_total(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    told = [a_report(ron("100"), reference=f"pi_{n}", meant_for=invoice.number) for n in (1, 2)]
    ids = desk.deliver(*([report] for report in told))

    meet(store, settling_of(ids[0], told[0]), settling_of(ids[1], told[1]))

    assert desk.standing(invoice.id).paid_minor == 12100
    assert sum(payment.unapplied_minor for payment in desk.payments()) == 7900
    assert desk.differences() == []


def test_a_draft_is_issued_once(desk: Desk, store: Store):
    draft = desk.draft(desk.open())

    def issue(books: Books) -> Standing:
        return issuing.issue(books, draft, "test", TODAY, ZONE)

    with pytest.raises(Refused, match="not_a_draft"):
        meet(store, issue, issue)

    assert desk.query("SELECT next_number FROM seller") == [(2,)]
    assert desk.differences() == []


def test_who_holds_the_invoice_waits_for_no_payment(desk: Desk, store: Store):
    """A payment that appeared while the invoice was waited for is in other hands: start anew."""
    client = desk.open()
    invoice = desk.invoice(client)
    desk.deliver([a_report(ron("21"), meant_for=None)])
    desk.settle()
    payment = desk.payments()[0].id
    desk.assign(payment, client)

    def mean(books: Books) -> None:
        books.run("SELECT FROM invoices WHERE id = :id FOR NO KEY UPDATE", id=invoice.id)
        books.run(
            "INSERT INTO intents (payment_id, position, invoice_id) VALUES (:payment, 0, :id)",
            payment=payment,
            id=invoice.id,
        )

    with store.transaction() as other:
        other.run("SELECT FROM payments WHERE id = :id FOR NO KEY UPDATE", id=payment)
        with pytest.raises(TryLater, match="could not obtain lock"):
            meet(
                store,
                mean,
                lambda books: holds.owed_again(books, invoice.id, "test", "owed", TODAY, ZONE),
            )


def test_an_event_that_a_person_let_go_is_not_woken(desk: Desk, store: Store):
    (event,) = desk.deliver([a_report(meant_for=None)])
    desk.settle()
    desk.query(
        f"UPDATE inbox SET state = 'parked', waits_for = 'pi_1' WHERE id = {event} RETURNING 1"
    )

    woken, waited = meet(
        store, lambda books: parking.let_go(books, "pi_1", "no matter"), parking.wake
    )

    assert (woken, waited) == (0, False)
    assert desk.query("SELECT state, reason FROM inbox") == [("ignored", "no matter")]


def test_a_hint_that_a_person_let_go_is_not_done(desk: Desk, store: Store):
    hint, answer = desk.deliver([a_report(meant_for=None)], [a_report(meant_for=None)])
    desk.settle()
    desk.query(
        "UPDATE inbox SET state = 'parked', waits_for = 'pi_1', is_hint = true,"
        f" answered_by = {answer} WHERE id = {hint} RETURNING 1"
    )

    released, waited = meet(
        store, lambda books: parking.let_go(books, "pi_1", "no matter"), parking.release
    )

    assert (released, waited) == (0, False)
    assert desk.query(f"SELECT state, reason FROM inbox WHERE id = {hint}") == [
        ("ignored", "no matter")
    ]


def test_an_event_is_put_back_by_one_act(desk: Desk, store: Store):
    (event,) = desk.deliver(Refused("malformed_amount", "-1 is no amount"))
    desk.settle()

    def put_back(books: Books) -> list[replaying.PutBackRow]:
        return replaying.put_back(books, [event], "test", "mended")

    again, waited = meet(store, put_back, put_back)

    assert (again, waited) == ([], True)
    assert desk.query("SELECT count(*) FROM journal WHERE act = 'replay'") == [(1,)]


def test_a_new_row_is_in_one_pair_of_hands(desk: Desk, store: Store):
    desk.deliver([a_report()])

    with store.transaction() as one, store.transaction() as two:
        mine = waiting.claim_fresh(one, ACCOUNTS)
        desk.query("DELETE FROM tries RETURNING id")  # as one saw it who looked at the same time
        theirs = waiting.claim_fresh(two, ACCOUNTS)

    assert mine is not None
    assert theirs is None


def test_a_tried_row_is_in_one_pair_of_hands(desk: Desk, store: Store):
    desk.deliver([a_report()])
    with store.transaction() as books:
        assert waiting.claim_fresh(books, ACCOUNTS)

    with store.transaction() as one, store.transaction() as two:
        mine = waiting.claim_suspect(one, ACCOUNTS)
        desk.query("UPDATE tries SET started_at = '2026-01-01' RETURNING id")  # no pause
        theirs = waiting.claim_suspect(two, ACCOUNTS)

    assert mine is not None
    assert theirs is None


def test_a_failed_batch_is_shared_out_among_many_hands(desk: Desk, store: Store):
    ids = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(waiting.FEW_ROWS + 5)))
    with store.transaction() as books:
        assert waiting.claim_fresh(books, ACCOUNTS)

    with store.transaction() as one, store.transaction() as two:
        mine = waiting.claim_suspect(one, ACCOUNTS)
        assert mine is not None
        # As one saw it who looked at the same time.
        desk.query(f"DELETE FROM tries WHERE id = {mine.try_id} RETURNING id")
        theirs = waiting.claim_suspect(two, ACCOUNTS)

    assert theirs is not None
    assert [row.id for row in mine.rows] == ids[: waiting.FEW_ROWS]
    assert [row.id for row in theirs.rows] == ids[waiting.FEW_ROWS :]


def test_nobody_is_nudged_for_a_row_in_somebodys_hands(desk: Desk, store: Store):
    desk.deliver([a_report()])

    with store.transaction() as one, store.transaction() as two:
        assert waiting.is_any_waiting(two, ACCOUNTS)
    with store.transaction() as one, store.transaction() as two:
        assert waiting.claim_fresh(one, ACCOUNTS)
        assert not waiting.is_any_waiting(two, ACCOUNTS)


def test_no_letter_is_claimed_while_its_invoice_is_in_somebodys_hands(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    with store.transaction() as books:
        assert reminders.write(books, invoice.id, LATER)

    claimed, waited = meet(store, writing_off(invoice), lambda books: claiming.claim(books, LATER))

    assert isinstance(claimed, claiming.PassedOver)
    assert not waited


def test_nothing_is_planned_for_an_invoice_that_is_being_written_off(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.query("DELETE FROM reminders RETURNING id")

    planned, waited = meet(store, writing_off(invoice), lambda books: reminders.plan(books, ZONE))

    assert (planned, waited) == (0, False)
    assert desk.differences() == []


def test_no_letter_is_written_for_an_invoice_that_is_being_written_off(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())

    is_written, waited = meet(
        store, writing_off(invoice), lambda books: reminders.write(books, invoice.id, LATER)
    )

    assert (is_written, waited) == (False, True)
    assert desk.query("SELECT count(*) FROM outbox") == [(0,)]


def test_an_attempt_moves_on_though_two_batches_tell_of_it(desk: Desk, store: Store):
    an_attempt(desk, desk.invoice(desk.open()), "INV-0001-1")
    told = [
        a_report(ron("121"), reference=f"pi_{status}", status=status, meant_for="INV-0001-1")
        for status in (Status.PENDING, Status.FAILED)
    ]
    ids = desk.deliver(*([report] for report in told))

    meet(store, settling_of(ids[0], told[0]), settling_of(ids[1], told[1]))

    assert desk.query("SELECT state FROM attempts") == [("failed",)]


def test_attempts_are_ended_in_the_order_of_their_ids(desk: Desk, store: Store):
    """Who waits for the first holds none of the others, so two who meet never wait in a ring."""
    invoice = desk.invoice(desk.open())
    for number in range(1, 6):
        an_attempt(desk, invoice, f"INV-0001-{number}")
    desk.query("UPDATE attempts SET updated_at = now() WHERE id = 1 RETURNING 1")
    ends = [
        AttemptEnd("stripe", "own/test", (f"INV-0001-{number}",), None, Ending.EXPIRED)
        for number in range(5, 0, -1)
    ]

    def take_the_first(books: Books) -> None:
        books.run("SELECT FROM attempts WHERE id = 1 FOR NO KEY UPDATE")

    def end(books: Books) -> None:
        attempts.follow(books, (), ends)

    held: list[int] = []

    def while_it_waits(books: Books) -> None:
        held.extend(
            books.rows(int, "SELECT id FROM attempts WHERE id > 1 FOR NO KEY UPDATE SKIP LOCKED")
        )

    _, waited = meet(store, take_the_first, end, while_it_waits)

    assert waited
    assert sorted(held) == [2, 3, 4, 5]
    assert desk.query("SELECT DISTINCT state FROM attempts") == [("expired",)]


def test_a_capture_that_ends_and_a_new_approval_never_wait_in_a_ring(desk: Desk, store: Store):
    """Both take the attempt first, then its errand."""
    an_attempt(desk, desk.invoice(desk.open()), "INV-0001-1")
    desk.query("UPDATE attempts SET session = 'ORDER' RETURNING 1")
    approved = [Approval("stripe", "own/test", "ORDER")]
    with store.transaction() as books:
        captures.plan(books, approved)
        capture = captures.claim(books, LATER)
    assert capture is not None

    declined, waited = meet(
        store,
        lambda books: attempts.follow(books, approved, ()),
        lambda books: captures.decline(books, capture, "declined"),
        lambda books: captures.plan(books, approved),
    )

    assert waited
    assert not declined  # the new approval has taken the errand back
    assert desk.query("SELECT state FROM attempts") == [("pending",)]


def an_attempt(desk: Desk, invoice: Standing, order_id: str) -> None:
    desk.query(
        "INSERT INTO attempts (invoice_id, gateway, account, order_id, currency, amount_minor)"
        f" VALUES ({invoice.id}, 'stripe', 'own/test', '{order_id}', 'RON', 12100) RETURNING id"
    )
