"""What people say of money, in the books: linked, unlinked, given a client; and what races do."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from domain.errors import Refused, TryLater
from domain.facts import FactClass, Move
from ledger.books import invoices
from ledger.letters import reminders
from ledger.settlement import settling
from ledger.store import Store
from tests.builders import ZONE, a_report, at, eur, ron
from tests.desk import Desk


def pay(desk: Desk, amount: str, meant_for: str | None, reference: str = "pi_1") -> int:
    """Settles a report of that much; answers the payment."""
    desk.deliver([a_report(ron(amount), reference=reference, meant_for=meant_for)])
    desk.settle()
    return next(p.id for p in desk.payments() if p.gateway_reference == reference)


def refund(desk: Desk, amount: str, reference: str = "pi_1", item: str = "re_1") -> None:
    told = a_report(
        ron(amount),
        reference=reference,
        move=Move.OUT,
        item=item,
        fact_class=FactClass.REFUND,
        meant_for=None,
    )
    desk.deliver([told])
    desk.settle()


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Does them in threads that start together; answers what each gave, or why it was refused."""
    gate = threading.Barrier(len(acts))

    def go(act: Callable[[], object]) -> object:
        gate.wait()
        while True:
            try:
                return act()
            except Refused as refusal:
                return refusal.code
            except TryLater:
                continue

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


def test_credit_pays_another_invoice_of_its_client(desk: Desk):
    client = desk.open()
    overpaid, other = desk.invoice(client), desk.invoice(client)
    payment = pay(desk, "242", overpaid.number)
    assert desk.attention() == [("overpaid", "payment:1")]

    assert desk.link(payment, other.id)

    assert not desk.standing(other.id).is_open
    assert desk.attention() == []
    assert desk.query("SELECT DISTINCT state FROM reminders WHERE invoice_id = 2") == [
        ("cancelled",)
    ]
    assert desk.query("SELECT actor, act, reason, before, after FROM journal ORDER BY id DESC")[
        0
    ] == (
        "test",
        "link",
        "a person said so",
        {"payment": 1, "client": 1, "meant_for": [{"invoice": 1, "up_to_minor": None}]},
        {
            "payment": 1,
            "client": 1,
            "meant_for": [
                {"invoice": 1, "up_to_minor": None},
                {"invoice": 2, "up_to_minor": None},
            ],
        },
    )
    assert desk.differences() == []


def test_a_link_said_again_changes_nothing(desk: Desk):
    client = desk.open()
    payment = pay(desk, "242", desk.invoice(client).number)
    other = desk.invoice(client)
    desk.link(payment, other.id, 5000)
    acts = desk.query("SELECT count(*) FROM journal")

    assert not desk.link(payment, other.id, 5000)

    assert desk.query("SELECT count(*) FROM journal") == acts
    assert desk.standing(other.id).paid_minor == 5000


def test_money_of_nobody_known_becomes_the_invoices_clients(desk: Desk):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "121", None)
    assert desk.attention() == [("unknown_invoice", "payment:1")]

    desk.link(payment, invoice.id)

    assert [kind for kind, *_ in desk.postings()] == ["issue", "receive", "assign", "allocate"]
    assert desk.attention() == []
    assert desk.differences() == []


def test_money_is_assigned_once(desk: Desk):
    ana = desk.open()
    other = desk.client()
    payment = pay(desk, "121", None)

    assert desk.assign(payment, ana)
    assert not desk.assign(payment, ana)

    with pytest.raises(Refused, match="already_assigned"):
        desk.assign(payment, other)
    with pytest.raises(Refused, match="other_client"):
        desk.link(payment, desk.invoice(other).id)
    assert [act for (act,) in desk.query("SELECT act FROM journal WHERE act = 'assign'")] == [
        "assign"
    ]
    assert desk.attention() == [("unapplied", "payment:1")]
    assert desk.differences() == []


def test_money_that_went_back_before_anybody_was_known_is_assigned_all_the_same(desk: Desk):
    ana = desk.open()
    payment = pay(desk, "50", None)
    refund(desk, "50")

    assert desk.assign(payment, ana)

    with pytest.raises(Refused, match="no_credit"):
        desk.link(payment, desk.invoice(ana).id)
    assert desk.payments()[0].client_id == ana
    assert desk.differences() == []


def test_what_goes_back_and_comes_again_after_the_assignment_is_the_clients(desk: Desk):
    ana = desk.open()
    payment = pay(desk, "100", None)
    refund(desk, "20")
    desk.assign(payment, ana)
    for move in (Move.OUT, Move.BACK):
        dispute = a_report(
            ron("100"), move=move, item="du_1", fact_class=FactClass.CHARGEBACK, meant_for=None
        )
        desk.deliver([dispute])
        desk.settle()
        assert desk.differences() == []

    assert desk.query("SELECT unapplied_minor, lost_minor FROM payments") == [(8000, 0)]


@pytest.mark.parametrize("unknown", ["payment", "invoice", "client"])
def test_what_is_not_there_is_refused(desk: Desk, unknown: str):
    ana = desk.open()
    invoice, payment = desk.invoice(ana), pay(desk, "1", None)
    acts: dict[str, list[Callable[[], object]]] = {
        "payment": [
            lambda: desk.link(99, invoice.id),
            lambda: desk.assign(99, ana),
            lambda: desk.unlink(99),
            lambda: desk.unlink(99, invoice.id),
        ],
        "invoice": [lambda: desk.link(payment, 99), lambda: desk.unlink(payment, 99)],
        "client": [lambda: desk.assign(payment, 99)],
    }
    before = desk.query("SELECT count(*) FROM journal")

    for act in acts[unknown]:
        with pytest.raises(Refused, match=f"unknown_{unknown}"):
            act()

    assert desk.query("SELECT count(*) FROM journal") == before


def test_a_draft_that_was_linked_takes_its_money_when_it_is_issued(desk: Desk):
    client = desk.open()
    payment = pay(desk, "242", desk.invoice(client).number)
    draft = desk.draft(client)

    desk.link(payment, draft, 2100)
    assert desk.attention() == [("draft_invoice", "payment:1")]
    desk.issue(draft)

    assert desk.standing(draft).paid_minor == 2100
    assert desk.attention() == [("overpaid", "payment:1")]
    assert desk.differences() == []


def test_what_a_person_unlinked_no_report_links_again(desk: Desk):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "121", invoice.number)

    assert desk.unlink(payment) == invoice.id
    pay(desk, "121", invoice.number)
    refund(desk, "21")

    assert desk.standing(invoice.id).paid_minor == 0
    assert desk.payments()[0].unapplied_minor == 10000
    assert desk.attention() == [("unapplied", "payment:1")]
    assert desk.differences() == []


def test_unlinking_twice_is_refused_and_several_links_want_a_name(desk: Desk):
    client = desk.open()
    first, second = desk.invoice(client), desk.invoice(client)
    payment = pay(desk, "200", first.number)
    desk.link(payment, second.id)

    with pytest.raises(Refused, match="INV-0001, INV-0002: name one"):
        desk.unlink(payment)
    desk.unlink(payment, first.id)
    assert desk.standing(second.id).paid_minor == 12100
    assert desk.unlink(payment) == second.id
    with pytest.raises(Refused, match="not_linked"):
        desk.unlink(payment)
    with pytest.raises(Refused, match="not_linked"):
        desk.unlink(payment, first.id)
    assert desk.differences() == []


def test_other_credit_for_the_invoice_steps_in(desk: Desk):
    invoice = desk.invoice(desk.open())
    first = pay(desk, "121", invoice.number)
    pay(desk, "21", invoice.number, "pi_2")

    desk.unlink(first)

    assert desk.standing(invoice.id).paid_minor == 2100
    assert desk.attention() == [("unapplied", "payment:1")]
    assert desk.differences() == []


def test_an_invoice_that_is_owed_again_is_chased_from_that_day(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "121", invoice.number)

    desk.unlink(payment)

    planned = "SELECT cycle, count(*) FROM reminders WHERE state = 'planned' GROUP BY cycle"
    assert desk.query(planned) == [(2, 3)]
    with store.transaction() as books:
        assert reminders.plan(books, ZONE) == 0
    desk.link(payment, invoice.id)
    assert desk.query(planned) == []
    assert desk.differences() == []


def test_an_invoice_that_stays_open_keeps_its_reminders(desk: Desk):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "21", invoice.number)

    desk.unlink(payment)

    assert desk.query("SELECT cycle, state, count(*) FROM reminders GROUP BY cycle, state") == [
        (1, "planned", 3)
    ]


@pytest.mark.parametrize("fact_class", [FactClass.REFUND, FactClass.CHARGEBACK])
def test_what_unlinking_opens_again_is_still_held_by_what_went_back(
    desk: Desk, store: Store, fact_class: FactClass
):
    invoice = desk.invoice(desk.open())
    pay(desk, "121", invoice.number)
    second = pay(desk, "121", invoice.number, "pi_2")
    told = a_report(ron("121"), move=Move.OUT, item="x_1", fact_class=fact_class, meant_for=None)
    desk.deliver([told])
    desk.settle()
    assert not desk.standing(invoice.id).is_open

    desk.unlink(second)

    kind = "refunded" if fact_class is FactClass.REFUND else "disputed"
    assert desk.attention() == [(kind, "invoice:1"), ("unapplied", "payment:2")]
    with store.transaction() as books:
        assert not reminders.is_chased(books, invoice.id)
    assert desk.query("SELECT count(*) FROM reminders WHERE state = 'planned'") == [(0,)]


def test_what_went_back_before_the_link_does_not_hold_the_invoice(desk: Desk, store: Store):
    client = desk.open()
    payment = pay(desk, "121", desk.invoice(client).number)
    desk.unlink(payment)
    refund(desk, "21")
    other = desk.invoice(client)

    desk.link(payment, other.id)

    assert desk.standing(other.id).open_minor == 2100
    with store.transaction() as books:
        assert reminders.is_chased(books, other.id)
    refund(desk, "10", item="re_2")
    with store.transaction() as books:
        assert not reminders.is_chased(books, other.id)
    assert desk.differences() == []


def test_a_refund_takes_back_what_was_linked_last(desk: Desk):
    client = desk.open()
    first, second = desk.invoice(client), desk.invoice(client)
    payment = pay(desk, "200", first.number)
    desk.link(payment, second.id)

    refund(desk, "100")

    assert desk.standing(first.id).paid_minor == 10000
    assert desk.standing(second.id).paid_minor == 0
    assert desk.differences() == []


def test_each_cent_of_credit_is_shown_at_one_invoice(desk: Desk, store: Store):
    client = desk.open()
    first, second, third = (desk.invoice(client) for _ in range(3))
    payment = pay(desk, "500", first.number)

    def overpaid() -> list[int]:
        with store.transaction() as books:
            found = invoices.extras(books, [first.id, second.id, third.id])
        return [found[each.id].overpaid_minor for each in (first, second, third)]

    seen = [overpaid()]
    desk.link(payment, second.id, 10000)
    seen.append(overpaid())
    desk.link(payment, third.id)
    seen.append(overpaid())
    desk.unlink(payment, third.id)
    seen.append(overpaid())

    assert seen == [[37900, 0, 0], [27900, 0, 0], [0, 0, 15800], [27900, 0, 0]]


def test_a_report_that_names_another_clients_invoice_shows_that(desk: Desk):
    ana = desk.open()
    invoice = desk.invoice(desk.client())
    payment = pay(desk, "121", None)
    desk.assign(payment, ana)

    pay(desk, "130", invoice.number)

    assert desk.attention() == [("other_client", "payment:1")]
    assert desk.standing(invoice.id).paid_minor == 0
    assert desk.differences() == []


def test_money_in_another_currency_is_not_linked(desk: Desk):
    client = desk.open()
    desk.deliver([a_report(eur("7"), meant_for=None)])
    desk.settle()

    with pytest.raises(Refused, match="other_currency"):
        desk.link(1, desk.invoice(client).id)


def test_money_that_named_a_later_invoice_finds_it_though_it_was_assigned(desk: Desk, store: Store):
    client = desk.open()
    payment = pay(desk, "121", "INV-0001")
    desk.assign(payment, client)
    invoice = desk.invoice(client)

    with store.transaction() as books:
        assert settling.settle_found(books, ZONE) == 1
    with store.transaction() as books:
        assert settling.settle_found(books, ZONE) == 0

    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == []
    assert desk.differences() == []


def test_money_that_was_unlinked_finds_no_invoice_by_itself(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    desk.unlink(pay(desk, "121", invoice.number))

    with store.transaction() as books:
        assert settling.settle_found(books, ZONE) == 0

    assert desk.standing(invoice.id).paid_minor == 0


def test_nobody_whose_credit_lies_here_for_nothing_is_chased(desk: Desk, store: Store):
    client = desk.open()
    invoice, other = desk.invoice(client), desk.invoice(client)
    foreign = desk.invoice(client, currency="EUR")
    payment = pay(desk, "121", other.number)
    desk.unlink(payment)

    def is_written(invoice_id: int) -> bool:
        with store.transaction() as books:
            return reminders.write(books, invoice_id, at("2027-06-01"))

    assert not is_written(invoice.id)
    assert is_written(foreign.id)
    desk.link(payment, other.id)
    assert is_written(invoice.id)


ROUNDS = 10


def test_two_people_who_apply_the_same_credit_at_once_apply_it_once(desk: Desk):
    client = desk.open()
    applied = 0
    for number in range(ROUNDS):
        payment = pay(desk, "121", None, f"pi_{number}")
        one, two = desk.invoice(client), desk.invoice(client)

        answers = at_once(partial(desk.link, payment, one.id), partial(desk.link, payment, two.id))

        applied += desk.standing(one.id).paid_minor + desk.standing(two.id).paid_minor
        assert sorted(map(str, answers)) == ["True", "no_credit"]
    assert applied == ROUNDS * 12100
    assert desk.differences() == []


def test_one_link_said_twice_at_once_is_one(desk: Desk):
    client = desk.open()
    for number in range(ROUNDS):
        payment = pay(desk, "242", None, f"pi_{number}")
        invoice = desk.invoice(client)

        answers = at_once(*[partial(desk.link, payment, invoice.id, 5000)] * 2)

        assert sorted(map(str, answers)) == ["False", "True"]
        assert desk.standing(invoice.id).paid_minor == 5000
    assert desk.differences() == []


@pytest.mark.parametrize("first", ["unlink", "link"])
def test_a_refund_that_meets_a_persons_act_leaves_right_books(desk: Desk, first: str):
    client = desk.open()
    for number in range(ROUNDS):
        invoice, other = desk.invoice(client), desk.invoice(client)
        payment = pay(desk, "242", invoice.number, f"pi_{number}")
        acts: dict[str, Callable[[], object]] = {
            "unlink": partial(desk.unlink, payment),
            "link": partial(desk.link, payment, other.id),
        }

        at_once(acts[first], partial(refund, desk, "200", f"pi_{number}", f"re_{number}"))

        left = desk.standing(invoice.id).paid_minor + desk.standing(other.id).paid_minor
        assert left + desk.payments()[number].unapplied_minor == 4200
        assert desk.differences() == []


def test_a_payment_that_meets_an_unlink_pays_what_it_opens(desk: Desk):
    client = desk.open()
    for number in range(ROUNDS):
        invoice = desk.invoice(client)
        payment = pay(desk, "121", invoice.number, f"pi_{number}")

        come = partial(pay, desk, "121", invoice.number, f"pi_more_{number}")
        at_once(partial(desk.unlink, payment), come)

        assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT count(*) FROM journal WHERE act = 'unlink'") == [(ROUNDS,)]
    assert desk.differences() == []


def test_what_one_refund_frees_is_taken_though_its_taker_has_other_invoices(desk: Desk):
    """The credit that steps in is meant for two invoices, and somebody else has some for both."""
    client = desk.open()
    first, second = desk.invoice(client), desk.invoice(client)
    pay(desk, "121", first.number, "pi_1")
    taker = pay(desk, "400", first.number, "pi_2")
    desk.link(taker, second.id)
    pay(desk, "50", second.number, "pi_3")

    refund(desk, "121", "pi_1")

    assert not desk.standing(first.id).is_open
    assert desk.query("SELECT unapplied_minor FROM payments ORDER BY id") == [
        (0,),
        (40000 - 2 * 12100,),
        (5000,),
    ]
    assert desk.differences() == []


@pytest.mark.parametrize("act", ["issue", "void", "credit_note"])
def test_a_link_that_meets_what_changes_its_invoice_leaves_no_money_idle(desk: Desk, act: str):
    client = desk.open()
    applied, refused = 0, 0
    for number in range(ROUNDS):
        payment = pay(desk, "121", None, f"pi_{number}")
        draft = desk.draft(client)
        if act != "issue":
            desk.issue(draft)

        answers = at_once(partial(desk.link, payment, draft), partial(getattr(desk, act), draft))

        applied += desk.standing(draft).paid_minor
        refused += "void_invoice" in answers
        assert not desk.standing(draft).is_open
        assert desk.differences() == []
    assert applied == (ROUNDS * 12100 if act == "issue" else applied)
    assert refused == 0 or act == "void"


def test_a_void_that_meets_an_unlink_frees_the_money_once(desk: Desk):
    client = desk.open()
    for number in range(ROUNDS):
        invoice = desk.invoice(client)
        payment = pay(desk, "121", invoice.number, f"pi_{number}")

        at_once(partial(desk.void, invoice.id), partial(desk.unlink, payment))

        assert desk.payments()[number].unapplied_minor == 12100
        assert desk.standing(invoice.id).state == "void"
    assert desk.query("SELECT count(*) FROM intents") == [(0,)]
    assert desk.differences() == []
