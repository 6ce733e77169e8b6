"""Reports become payments, once, and the books stay right."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import AttemptEnd, Ending, Ignored, Reading, Report, Status
from domain.ids import Kind, public
from ledger.inbox import waiting
from ledger.inbox.waiting import Closing
from ledger.settlement import settling
from ledger.store import Store
from tests.builders import ZONE, a_report, eur, ron
from tests.desk import Desk
from tests.ledger.counting import counted


def test_a_report_pays_its_invoice_and_cancels_its_reminders(desk: Desk):
    invoice = desk.invoice(desk.open(), "100")

    desk.deliver([a_report(ron("121.00"), names=["ch_1"], meant_for=invoice.number)])
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert [kind for kind, *_ in desk.postings()] == ["issue", "receive", "allocate"]
    assert desk.query("SELECT DISTINCT state FROM reminders") == [("cancelled",)]
    assert desk.query("SELECT name, reference FROM payment_names ORDER BY name") == [
        ("ch_1", "pi_1"),
        ("pi_1", "pi_1"),
    ]
    assert desk.differences() == []


def test_what_was_settled_leaves_nothing_to_settle(desk: Desk):
    invoice = desk.invoice(desk.open())
    for _ in range(3):
        desk.deliver([a_report(ron("121.00"), meant_for=invoice.number)] * 2)
        desk.settle()

    assert len(desk.payments()) == 1
    assert len(desk.postings()) == 3
    assert desk.differences() == []


def test_a_pending_report_that_names_the_invoice_is_remembered_when_money_comes(desk: Desk):
    invoice = desk.invoice(desk.open())

    desk.deliver([a_report(ron("121"), status=Status.PENDING, meant_for=invoice.number)])
    desk.settle()
    assert desk.payments() == []
    desk.deliver([a_report(ron("121"), meant_for=None)])
    desk.settle()

    assert not desk.standing(invoice.id).is_open


def test_a_later_report_may_bring_the_meaning_the_first_one_lacked(desk: Desk):
    invoice = desk.invoice(desk.open())

    desk.deliver([a_report(ron("121"), meant_for=None)])
    desk.settle()
    assert desk.payments()[0].unidentified_minor == 12100
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    assert desk.payments()[0].unidentified_minor == 0
    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def test_part_payments_add_up_and_what_is_too_much_stays_as_credit(desk: Desk):
    invoice = desk.invoice(desk.open())
    for reference, amount in (("pi_1", "100"), ("pi_2", "20"), ("pi_3", "5")):
        desk.deliver([a_report(ron(amount), reference=reference, meant_for=invoice.number)])
        desk.settle()

    assert desk.standing(invoice.id).paid_minor == 12100
    assert [payment.unapplied_minor for payment in desk.payments()] == [0, 0, 400]
    assert desk.attention() == [("overpaid", f"payment:{desk.payments()[2].id}")]
    assert desk.differences() == []


@pytest.mark.parametrize("state", ["paid", "void", "draft", "unknown", "other currency"])
def test_money_that_fits_no_invoice_is_kept_and_shown(desk: Desk, state: str):
    client = desk.open()
    meant_for, money = "INV-9999", ron("50")
    if state == "draft":
        draft = desk.draft(client)
        meant_for = str(public(Kind.INVOICE, draft))
    elif state != "unknown":
        invoice = desk.invoice(client)
        meant_for = str(invoice.number)
    if state == "void":
        desk.void(invoice.id)
    if state == "paid":
        desk.deliver([a_report(ron("121"), reference="pi_0", meant_for=meant_for)])
        desk.settle()
    if state == "other currency":
        money = eur("50")

    desk.deliver([a_report(money, meant_for=meant_for)])
    settled = desk.settle()

    assert settled is not None
    assert [closing.state for closing in settled.closings] == ["done"]
    payment = desk.payments()[-1]
    assert payment.unapplied_minor + payment.unidentified_minor == 5000
    kinds = {
        "paid": "overpaid",
        "void": "void_invoice",
        "draft": "draft_invoice",
        "unknown": "unknown_invoice",
        "other currency": "other_currency",
    }
    assert desk.attention() == [(kinds[state], f"payment:{payment.id}")]
    assert desk.differences() == []


def test_money_meant_for_a_draft_is_applied_by_its_issue(desk: Desk):
    draft = desk.draft(desk.open())
    desk.deliver([a_report(ron("100"), meant_for=str(public(Kind.INVOICE, draft)))])
    desk.settle()

    issued = desk.issue(draft)

    assert issued.open_minor == 2100
    assert desk.payments()[0].unapplied_minor == 0
    assert desk.attention() == []
    assert desk.differences() == []


def test_a_void_invoice_gives_its_money_back_to_the_payments(desk: Desk):
    invoice = desk.invoice(desk.open())
    for reference in ("pi_1", "pi_2"):
        desk.deliver([a_report(ron("60"), reference=reference, meant_for=invoice.number)])
    desk.settle()

    desk.void(invoice.id)

    assert [payment.unapplied_minor for payment in desk.payments()] == [6000, 6000]
    assert desk.differences() == []


def test_what_cannot_be_read_is_dead_and_its_neighbours_are_settled(desk: Desk):
    invoice = desk.invoice(desk.open())

    dead, ignored, done = desk.deliver(
        Refused("malformed_amount", "-1 is no amount"),
        Ignored("test mode", AttentionKind.OTHER_MODE),
        [a_report(ron("121"), meant_for=invoice.number)],
    )
    desk.settle()

    assert desk.query("SELECT id, state FROM inbox ORDER BY id") == [
        (dead, "dead"),
        (ignored, "ignored"),
        (done, "done"),
    ]
    assert desk.attention() == [("dead_event", f"event:{dead}"), ("other_mode", f"event:{ignored}")]
    assert not desk.standing(invoice.id).is_open


def test_a_charge_that_is_told_without_its_intent_is_the_same_payment(desk: Desk):
    invoice = desk.invoice(desk.open())
    for first in ("pi_1", "ch_2"):
        second = {"pi_1": "ch_1", "ch_2": "pi_2"}[first]
        desk.deliver(
            [
                a_report(
                    ron("10"),
                    reference=first,
                    names=["ch_1"] if first == "pi_1" else [],
                    meant_for=invoice.number,
                )
            ]
        )
        desk.settle()
        desk.deliver(
            [
                a_report(
                    ron("10"),
                    reference=second,
                    names=["ch_2"] if second == "pi_2" else [],
                    meant_for=invoice.number,
                )
            ]
        )
        desk.settle()

    assert [payment.gateway_reference for payment in desk.payments()] == ["pi_1", "ch_2"]
    assert desk.standing(invoice.id).paid_minor == 2000
    assert desk.differences() == []


def test_names_of_two_payments_told_together_are_flagged(desk: Desk):
    desk.open()
    desk.deliver([a_report(reference="pi_1", names=["ch_1"])], [a_report(reference="pi_2")])
    desk.settle()

    desk.deliver([a_report(reference="pi_2", names=["ch_1"])])
    desk.settle()

    assert ("fact_disagrees", "name:pi_2") in desk.attention()
    assert len(desk.payments()) == 2
    assert desk.differences() == []


@pytest.mark.parametrize("told", [eur("1"), eur("100"), eur("500")])
def test_another_currency_for_money_that_moved_moves_no_money_and_is_flagged(desk: Desk, told):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()
    posted = desk.postings()

    (second,) = desk.deliver([a_report(told, meant_for=invoice.number)])
    desk.settle()

    assert desk.postings() == posted
    assert desk.attention() == [("fact_disagrees", f"event:{second}")]
    assert desk.differences() == []


@pytest.mark.parametrize("other", ["cart_42", "CART_42"], ids=["after", "before"])
def test_a_reference_that_leads_nowhere_does_not_hide_the_one_that_does(desk: Desk, other: str):
    """Whichever of the two is the first by name."""
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121"), meant_for=other)])
    desk.settle()
    assert desk.payments()[0].unidentified_minor == 12100

    desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == []


def test_money_that_names_an_invoice_before_it_is_issued_finds_it_with_its_next_report(desk: Desk):
    client = desk.open()
    desk.deliver([a_report(ron("121"), meant_for="INV-0001")])
    desk.settle()
    invoice = desk.invoice(client)

    desk.deliver([a_report(ron("121"), names=["ch_1"], meant_for="INV-0001")])
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def test_of_two_invoices_named_the_first_has_the_money_and_a_person_is_told(desk: Desk):
    client = desk.open()
    one, two = desk.invoice(client), desk.invoice(client)
    for invoice in (two, one):
        desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
        desk.settle()

    assert (desk.standing(one.id).paid_minor, desk.standing(two.id).paid_minor) == (0, 12100)
    assert desk.attention() == [("fact_disagrees", "payment:1")]


def test_one_invoice_named_by_id_and_by_number_is_no_disagreement(desk: Desk):
    invoice = desk.invoice(desk.open())
    for name in (invoice.number, str(public(Kind.INVOICE, invoice.id))):
        desk.deliver([a_report(ron("121"), meant_for=name)])
        desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == []


def test_attention_shows_what_is_there_now_and_closes_when_it_is_gone(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("130"), meant_for=None)])
    desk.settle()
    desk.deliver([a_report(ron("140"), meant_for=None)])
    desk.settle()
    assert desk.query("SELECT kind, amount_minor FROM attention WHERE resolved_at IS NULL") == [
        ("unknown_invoice", 14000)
    ]

    desk.deliver([a_report(ron("140"), meant_for=invoice.number)])
    desk.settle()

    assert desk.query("SELECT kind, amount_minor FROM attention WHERE resolved_at IS NULL") == [
        ("overpaid", 1900)
    ]


def test_a_draft_paid_too_much_shows_as_overpaid_once_it_is_issued(desk: Desk):
    draft = desk.draft(desk.open())
    desk.deliver([a_report(ron("200"), meant_for=str(public(Kind.INVOICE, draft)))])
    desk.settle()
    assert desk.attention() == [("draft_invoice", "payment:1")]

    desk.issue(draft)

    assert desk.attention() == [("overpaid", "payment:1")]


def test_attempts_move_on_and_never_back(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.query(
        "INSERT INTO attempts (invoice_id, gateway, account, order_id, currency, amount_minor)"
        f" VALUES ({invoice.id}, 'stripe', 'own/test', 'INV-0001-1', 'RON', 12100) RETURNING id"
    )
    states = []
    told = (Status.PENDING, Status.FAILED, Status.PENDING, Status.SUCCEEDED, Status.PENDING)
    for number, status in enumerate(told):
        report = a_report(
            ron("121"), reference=f"pi_{number}", status=status, meant_for="INV-0001-1"
        )
        desk.deliver([report])
        desk.settle()
        states += desk.query("SELECT state FROM attempts")

    assert [state for (state,) in states] == [
        *("pending", "failed", "failed", "succeeded", "succeeded")
    ]
    assert not desk.standing(invoice.id).is_open


ENDS = (Status.PENDING, Status.FAILED, Ending.EXPIRED, Ending.CANCELLED, Status.SUCCEEDED)


def test_an_attempt_ends_the_same_in_every_order(desk: Desk):
    invoice = desk.invoice(desk.open(), "100000")
    orders = 0
    for size in (2, 3):
        for order in permutations(range(len(ENDS)), size):
            orders += 1
            name = f"INV-0001-{orders}"
            session = "NULL" if orders % 2 else f"'cs_{orders}'"
            desk.query(
                "INSERT INTO attempts (invoice_id, gateway, account, order_id, session, currency,"
                f" amount_minor) VALUES ({invoice.id}, 'stripe', 'own/test', '{name}', {session},"
                " 'RON', 100) RETURNING id"
            )
            for number in order:
                match ENDS[number]:
                    case Status() as status:
                        told: Reading = (
                            a_report(
                                ron("1"), reference=f"pi_{orders}", status=status, meant_for=name
                            ),
                        )
                    case Ending() as ending:
                        known = (name,) if orders % 2 else ()
                        end = AttemptEnd("stripe", "own/test", known, f"cs_{orders}", ending)
                        told = (end,)
                desk.deliver(told)
                desk.settle()
            ((state,),) = desk.query(f"SELECT state FROM attempts WHERE order_id = '{name}'")
            assert state == ENDS[max(order)].value, order

    assert orders == 20 + 60
    assert desk.differences() == []


def test_an_end_ends_only_its_own_attempt(desk: Desk):
    invoice = desk.invoice(desk.open())
    for name in ("INV-0001-1", "INV-0001-2"):
        desk.query(
            "INSERT INTO attempts (invoice_id, gateway, account, order_id, currency, amount_minor)"
            f" VALUES ({invoice.id}, 'stripe', 'own/test', '{name}', 'RON', 100) RETURNING id"
        )

    desk.deliver((AttemptEnd("stripe", "own/test", ("INV-0001-1",), None, Ending.EXPIRED),))
    desk.deliver((AttemptEnd("stripe", "own/test", (), None, Ending.EXPIRED),))
    desk.settle()

    assert desk.query("SELECT state FROM attempts ORDER BY order_id") == [("expired",), ("open",)]
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]


@pytest.mark.parametrize("is_shared", [True, False], ids=["one invoice", "many invoices"])
def test_a_batch_of_any_size_takes_the_same_number_of_statements(desk: Desk, is_shared: bool):
    client = desk.open()
    counts = {}
    for size in (1, 10, 100, 200):
        invoices = 1 if is_shared else size
        numbers = [desk.invoice(client, "1000").number for _ in range(invoices)]
        desk.deliver(
            *(
                [
                    a_report(
                        ron("1.00"),
                        reference=f"pi_{size}_{n}",
                        names=[f"ch_{size}_{n}"],
                        meant_for=numbers[n % len(numbers)],
                    )
                ]
                for n in range(size)
            )
        )
        with counted(desk.store) as statements:
            desk.settle()
        counts[size] = len(statements)

    assert len(set(counts.values())) == 1, counts
    assert 10 < counts[1] < 40, counts
    assert len(desk.payments()) == 311
    assert desk.differences() == []


def test_halves_of_one_payment_that_meet_in_two_batches_are_both_kept(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open(), "10000")
    rounds = 15

    def settle_half(gate: threading.Barrier, inbox_id: int, half: Report) -> None:
        with store.transaction() as books:
            gate.wait()
            settling.settle(books, {inbox_id: (half,)}, ZONE)
            waiting.close(books, [Closing(inbox_id, "done")])

    met = 0
    for number in range(rounds):
        halves = (
            a_report(ron("1"), reference=f"pi_{number}", meant_for=None),
            a_report(
                ron("1"),
                reference=f"pi_{number}",
                status=Status.PENDING,
                meant_for=invoice.number,
            ),
        )
        gate = threading.Barrier(2)
        ids = desk.deliver(*([half] for half in halves))
        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(settle_half, gate, *pair) for pair in zip(ids, halves, strict=True)
            ]:
                done.result()
                met += 1

    assert met == 2 * rounds
    assert desk.standing(invoice.id).paid_minor == rounds * 100
    assert desk.differences() == []


def test_payments_that_race_for_one_invoice_never_pay_it_twice(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open(), "100")
    racers = 12
    gate = threading.Barrier(racers)
    reports = [
        a_report(ron("20"), reference=f"pi_{n}", meant_for=invoice.number) for n in range(racers)
    ]
    ids = desk.deliver(*([report] for report in reports))

    def settle_one(inbox_id: int, report: Report) -> None:
        gate.wait()
        with store.transaction() as books:
            settling.settle(books, {inbox_id: (report,)}, ZONE)
            waiting.close(books, [Closing(inbox_id, "done")])

    with ThreadPoolExecutor(racers) as pool:
        for done in [pool.submit(settle_one, *pair) for pair in zip(ids, reports, strict=True)]:
            done.result()

    assert desk.standing(invoice.id).paid_minor == 12100
    assert sum(payment.unapplied_minor for payment in desk.payments()) == racers * 2000 - 12100
    assert desk.differences() == []
