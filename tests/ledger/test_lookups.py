"""Payments of which too little is told are asked about: once each, judged anew, not for ever."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.errors import TryLater
from domain.facts import Ask, FactClass, Move, Reading, Report, Status, Trust
from ledger import stops
from ledger.inbox import parking, replaying, waiting
from ledger.settlement import lookups, settling
from ledger.settlement.lookups import Closed, Lookup
from ledger.stops import Stop
from ledger.store import Store
from runtime import clock
from tests.builders import ZONE, a_report, eur, ron
from tests.desk import Desk
from tests.ledger.counting import counted

SOON = timedelta(minutes=1)


def a_refund(amount: str = "21", item: str = "re_1", **fields: Any) -> Report:
    told: dict[str, Any] = {"fact_class": FactClass.REFUND, "meant_for": None}
    return a_report(ron(amount), move=Move.OUT, item=item, **told | fields)


def an_alias(report: Report) -> Report:
    return Report(report.fact, report.names, is_alias=True)


def an_ask(reference: str = "pi_1", **what: Any) -> tuple[Ask]:
    return (Ask("stripe", "own/test", reference, **what),)


def tell(desk: Desk, *reports: Report) -> None:
    for report in reports:
        desk.deliver([report])
        desk.settle()


def claim(store: Store, now: datetime | None = None) -> Lookup | Closed | None:
    with store.transaction() as books:
        return lookups.claim(books, now or clock.now() + SOON)


def claimed(store: Store, now: datetime | None = None) -> Lookup:
    found = claim(store, now)
    assert isinstance(found, Lookup)
    return found


def keep(store: Store, lookup: Lookup, answer: bytes = b"{}") -> int | None:
    sha256 = hashlib.sha256(answer).digest()
    with store.transaction() as books:
        return lookups.keep(books, lookup, answer, sha256, clock.now())


def answer(desk: Desk, store: Store, lookup: Lookup, *told: Report, raw: bytes = b"{}") -> None:
    """Keeps an answer that tells this, and settles it."""
    inbox_id = keep(store, lookup, raw)
    assert inbox_id is not None
    desk.readings[inbox_id] = told
    desk.settle()


def planned(desk: Desk) -> list[tuple[str, str]]:
    return desk.query("SELECT subject, state FROM outbox WHERE effect = 'lookup' ORDER BY id")


def test_a_refund_before_its_payment_plans_one_lookup_that_the_payment_cancels(desk: Desk):
    invoice = desk.invoice(desk.open())
    tell(desk, a_refund("10"), a_refund("11", "re_2"))

    assert planned(desk) == [("name:pi_1", "waiting")]
    assert desk.postings() == [("issue", "invoice", "outside:sales", 12100)]
    assert desk.query("SELECT * FROM tries") == []
    assert desk.differences() == []
    tell(desk, a_report(ron("121"), meant_for=invoice.number))

    assert planned(desk) == [("name:pi_1", "cancelled")]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.differences() == []


def test_a_pending_payment_is_not_asked_about(desk: Desk):
    desk.open()
    tell(desk, a_report(ron("1"), status=Status.PENDING), a_report(ron("1")), a_refund("1"))

    assert planned(desk) == []


def test_an_answer_brings_the_payment_and_closes_the_lookup(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    tell(desk, a_refund("21"))

    came = a_report(ron("121"), meant_for=invoice.number, trust=Trust.LOOKUP)
    answer(desk, store, claimed(store), came, a_refund("21", trust=Trust.LOOKUP))

    assert planned(desk) == [("name:pi_1", "done")]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.query("SELECT source, event_id LIKE 'lookup:pi_1:%', state FROM inbox") == [
        ("webhook", False, "done"),
        ("lookup", True, "done"),
    ]
    assert desk.differences() == []


def test_an_answer_that_tells_too_little_is_asked_for_again_and_is_one_event(
    desk: Desk, store: Store
):
    tell(desk, a_refund())
    pending = a_report(ron("121"), status=Status.PENDING, trust=Trust.LOOKUP)
    answer(desk, store, claimed(store), pending)

    assert planned(desk) == [("name:pi_1", "waiting")]
    again = claimed(store, clock.now() + 2 * SOON)
    assert again.leased.attempts == 2
    assert keep(store, again) is None
    assert desk.query("SELECT count(*) FROM inbox") == [(2,)]
    assert desk.differences() == []


def test_a_late_hand_writes_nothing(desk: Desk, store: Store):
    tell(desk, a_refund())
    late = claimed(store)
    prompt = claimed(store, clock.now() + SOON * 5)
    assert late.leased.fence < prompt.leased.fence

    assert keep(store, late) is None
    with store.transaction() as books:
        assert not lookups.put_off(books, late, "late", clock.now())
        assert not lookups.refuse(books, late, "late", clock.now())
        lookups.give_up(books, late)

    assert desk.query("SELECT count(*) FROM inbox") == [(1,)]
    assert desk.attention() == []
    assert planned(desk) == [("name:pi_1", "claimed")]
    assert keep(store, prompt) is not None


def test_a_question_that_comes_while_the_gateway_is_asked_takes_the_lookup_back(
    desk: Desk, store: Store
):
    desk.open()
    tell(desk, a_report(ron("121")))
    desk.deliver(an_ask(refunded=ron("10")))
    desk.settle()
    under_way = claimed(store)

    desk.deliver(an_ask(refunded=ron("20")))
    desk.settle()

    assert keep(store, under_way) is None
    asked = claimed(store)
    assert set(asked.leased.body) == {"refunded RON 1000", "refunded RON 2000"}
    assert desk.query("SELECT count(*) FROM outbox") == [(1,)]


def test_a_running_total_books_nothing_and_asks_for_the_refunds(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    tell(desk, a_report(ron("121"), meant_for=invoice.number))
    posted = desk.postings()
    desk.deliver(an_ask(refunded=ron("21")))
    desk.settle()

    assert desk.postings() == posted
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    answer(desk, store, claimed(store), a_refund("21", trust=Trust.LOOKUP))

    assert desk.standing(invoice.id).paid_minor == 10000
    assert planned(desk) == [("name:pi_1", "done")]
    assert desk.differences() == []


@pytest.mark.parametrize("is_first", [True, False])
def test_a_running_total_that_the_refunds_themselves_explain_asks_nobody(
    desk: Desk, store: Store, is_first: bool
):
    desk.open()
    tell(desk, a_report(ron("121")), *([a_refund("21")] if is_first else []))
    desk.deliver(an_ask(refunded=ron("21")))
    desk.settle()
    tell(desk, *([] if is_first else [a_refund("21", status=Status.PENDING)]))

    assert isinstance(claim(store), Closed)
    assert planned(desk) == [("name:pi_1", "cancelled")]


def test_a_running_total_is_not_explained_by_other_money(desk: Desk, store: Store):
    desk.open()
    tell(
        desk,
        a_report(ron("121")),
        a_refund("20"),
        a_refund("1", "re_2", status=Status.FAILED),
        a_refund("1", "du_1", fact_class=FactClass.CHARGEBACK),
    )
    desk.deliver(an_ask(refunded=ron("21")))
    desk.settle()

    assert isinstance(claim(store), Lookup)


def test_a_fee_is_asked_for_until_it_is_known(desk: Desk, store: Store):
    desk.open()
    tell(desk, a_report(ron("121")))
    for number, known in enumerate((False, True)):
        desk.deliver(an_ask(transaction="txn_1"))
        desk.settle()
        found = claim(store)
        assert isinstance(found, Closed if known else Lookup)
        if isinstance(found, Lookup):
            fee = a_report(
                ron("1.50"),
                move=Move.FEE,
                item="txn_1",
                meant_for=None,
                fact_class=FactClass.FEE,
                trust=Trust.LOOKUP,
            )
            answer(desk, store, found, fee, raw=b"%d" % number)


def test_a_report_that_knows_another_name_is_parked_until_the_name_is_told(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    tell(desk, an_alias(a_refund("21", reference="ch_1")))

    assert desk.query("SELECT state, waits_for FROM inbox") == [("parked", "ch_1")]
    assert desk.query("SELECT count(*) FROM facts") == [(0,)]
    assert desk.query("SELECT count(*) FROM payment_names") == [(0,)]
    assert planned(desk) == [("name:ch_1", "waiting")]
    assert desk.differences() == []
    tell(desk, a_report(ron("121"), names=["ch_1"], meant_for=invoice.number))
    with store.transaction() as books:
        assert parking.wake(books) == 1
        assert parking.wake(books) == 0
    desk.settle()

    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert [payment.gateway_reference for payment in desk.payments()] == ["pi_1"]
    assert isinstance(claim(store), Closed)
    assert desk.differences() == []


def test_a_parked_report_waits_for_a_lookup_that_tells_what_its_name_means(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    parked = an_alias(a_refund("21", reference="ch_1"))
    tell(desk, parked)

    came = a_report(ron("121"), names=["ch_1"], meant_for=invoice.number, trust=Trust.LOOKUP)
    answer(desk, store, claimed(store), came)
    assert desk.query("SELECT state FROM inbox ORDER BY id") == [("received",), ("done",)]
    desk.settle()

    assert desk.standing(invoice.id).paid_minor == 10000
    assert planned(desk) == [("name:ch_1", "done")]
    assert desk.differences() == []


def test_an_alias_is_no_riddle_when_its_own_batch_tells_the_name(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver(
        [an_alias(a_refund("21", reference="ch_1"))],
        [a_report(ron("121"), names=["ch_1"], meant_for=invoice.number)],
    )
    desk.settle()

    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert planned(desk) == []


def test_a_name_told_at_the_very_moment_of_parking_wakes_the_row_at_the_next_claim(
    desk: Desk, store: Store
):
    """Two batches that do not see each other: one tells the name, the other waits for it."""
    tell(desk, an_alias(a_refund(reference="ch_1")))
    desk.query(
        "INSERT INTO payment_names VALUES ('stripe', 'own/test', 'ch_1', 'ch_1') RETURNING 1"
    )

    assert isinstance(claim(store), Closed)

    assert desk.query("SELECT state FROM inbox") == [("received",)]
    assert desk.differences() == []


def test_a_lookup_that_a_parked_report_needs_is_not_closed_by_money_that_came(desk: Desk):
    tell(
        desk,
        an_alias(a_refund("5", reference="ch_9")),
        a_report(ron("121"), reference="ch_9", status=Status.PENDING),
        an_alias(a_refund("6", "re_2", reference="ch_9")),
        a_report(ron("121"), reference="ch_9"),
    )

    assert desk.query("SELECT count(*) FROM inbox WHERE state = 'parked'") == [(1,)]
    assert planned(desk) == [("name:ch_9", "waiting")]
    assert desk.differences() == []


def test_no_letter_goes_out_while_a_report_is_parked(desk: Desk, store: Store):
    tell(desk, an_alias(a_refund(reference="ch_1")))

    with store.transaction() as books:
        assert waiting.is_money_unclear(books)


def test_a_gateway_that_is_busy_is_asked_with_longer_and_longer_pauses(desk: Desk, store: Store):
    tell(desk, a_refund())
    now = clock.now() + SOON
    pauses = []
    for _ in range(14):
        lookup = claimed(store, now)
        with store.transaction() as books:
            assert lookups.put_off(books, lookup, "Stripe is busy", now)
        assert claim(store, now) is None
        ((due_at,),) = desk.query("SELECT due_at FROM outbox")
        pauses.append((due_at - now) / timedelta(minutes=1))
        now = due_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[360] * 5]


def test_after_three_days_a_person_is_told(desk: Desk, store: Store):
    tell(desk, an_alias(a_refund(reference="ch_1")))
    now, asked = clock.now() + SOON, 0
    while isinstance(lookup := claim(store, now), Lookup):
        asked += 1
        with store.transaction() as books:
            lookups.put_off(books, lookup, "Stripe is busy", now)
        ((now,),) = desk.query("SELECT due_at FROM outbox")

    assert 15 < asked < 25
    assert planned(desk) == [("name:ch_1", "failed")]
    assert desk.attention() == [("lookup_failed", "name:ch_1")]
    ((detail,),) = desk.query("SELECT detail FROM attention")
    assert detail == f"asked {asked} times in 3 days: Stripe is busy"
    assert desk.query("SELECT state FROM inbox") == [("parked",)]
    assert desk.differences() == []


def test_a_lookup_that_nobody_had_time_for_is_asked_at_least_once(desk: Desk, store: Store):
    tell(desk, a_refund())

    assert isinstance(claim(store, clock.now() + timedelta(days=4)), Lookup)


def test_a_refusal_is_shown_at_once_and_gone_when_the_answer_comes(desk: Desk, store: Store):
    tell(desk, an_alias(a_refund(reference="ch_1")))
    with store.transaction() as books:
        assert lookups.refuse(books, lookup := _leased(books), "no key", clock.now())
    assert desk.attention() == [("lookup_failed", "name:ch_1")]
    assert planned(desk) == [("name:ch_1", "waiting")]

    again = claimed(store, clock.now() + 2 * SOON)
    assert again.leased.id == lookup.leased.id
    answer(desk, store, again, a_report(ron("121"), names=["ch_1"], trust=Trust.LOOKUP))

    assert ("lookup_failed", "name:ch_1") not in desk.attention()
    assert desk.differences() == []


def test_a_person_may_say_that_nobody_need_ask(desk: Desk, store: Store):
    tell(desk, an_alias(a_refund(reference="ch_1")), a_refund(reference="pi_2"))
    for name in ("ch_1", "pi_2"):
        lookup = claimed(store)
        assert lookup.name == name
        with store.transaction() as books:
            lookups.refuse(books, lookup, "no key", clock.now())

    for (number,) in desk.query("SELECT id FROM attention"):
        with store.transaction() as books:
            books.run("UPDATE attention SET resolved_at = now() WHERE id = :id", id=number)
            lookups.let_go(books, number, "booked by hand")

    assert planned(desk) == [("name:ch_1", "cancelled"), ("name:pi_2", "cancelled")]
    assert desk.query("SELECT state, reason FROM inbox ORDER BY id") == [
        ("ignored", "booked by hand"),
        ("done", None),
    ]
    assert desk.differences() == []


def test_nothing_is_asked_while_settling_is_stopped(desk: Desk, store: Store):
    tell(desk, a_refund())
    with store.transaction() as books:
        stops.put(books, Stop.SETTLING, "test", "test")
    assert claim(store) is None

    with store.transaction() as books:
        stops.remove(books, Stop.SETTLING, "test", None)

    assert isinstance(claim(store), Lookup)


def test_lookup_and_delivery_that_differ_are_flagged_and_the_lookup_wins(desk: Desk):
    invoice = desk.invoice(desk.open())
    told = [
        a_report(ron("121"), meant_for=invoice.number),
        a_report(ron("100"), meant_for=invoice.number, trust=Trust.LOOKUP),
    ]
    for reports in (told, told[::-1]):
        reference = "pi_a" if reports is told else "pi_b"
        tell(desk, *(_renamed(report, reference) for report in reports))

    assert desk.query("SELECT reference, amount_minor FROM facts ORDER BY 1") == [
        ("pi_a", 10000),
        ("pi_b", 10000),
    ]
    assert desk.query("SELECT amount_minor FROM payments ORDER BY id") == [(10000,), (10000,)]
    kinds = [kind for kind, _ in desk.attention()]
    assert kinds.count("fact_disagrees") == 2
    assert planned(desk) == [("name:pi_b", "waiting")]  # more was told than answered: it may grow
    assert desk.differences() == []


def test_money_that_never_came_is_taken_back_from_where_it_went(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    tell(
        desk,
        a_report(ron("121"), meant_for=invoice.number),
        a_refund("110"),
        a_report(ron("100"), meant_for=invoice.number, trust=Trust.LOOKUP),
    )

    assert desk.query("SELECT amount_minor, lost_minor, returned_minor FROM payments") == [
        (10000, 1000, 11000)
    ]
    assert desk.standing(invoice.id).paid_minor == 0
    assert desk.differences() == []


def test_unidentified_money_that_never_came_is_taken_back_also_when_its_client_was_found(
    desk: Desk,
):
    invoice = desk.invoice(desk.open())
    tell(
        desk,
        a_report(ron("121"), meant_for=None),
        a_report(ron("100"), meant_for=None, trust=Trust.LOOKUP),
        a_report(ron("100"), meant_for=invoice.number, trust=Trust.LOOKUP),
        a_report(ron("90"), meant_for=invoice.number),
    )
    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.differences() == []

    tell(desk, a_report(ron("50"), reference="pi_2", meant_for=None))
    tell(desk, a_report(ron("50"), reference="pi_2", meant_for="INV-0001"))
    tell(desk, a_report(ron("5"), reference="pi_2", meant_for=None, trust=Trust.LOOKUP))

    assert [payment.amount_minor for payment in desk.payments()] == [10000, 500]
    assert desk.differences() == []


def test_another_currency_in_an_answer_is_flagged_and_moves_nothing(desk: Desk):
    invoice = desk.invoice(desk.open())
    tell(desk, a_report(ron("121"), meant_for=invoice.number))
    posted = desk.postings()

    tell(desk, a_report(eur("100"), trust=Trust.LOOKUP))

    assert desk.postings() == posted
    assert [kind for kind, _ in desk.attention()] == ["fact_disagrees"]
    assert desk.differences() == []


@pytest.mark.parametrize("what", ["refund first", "alias", "asks"])
def test_planning_takes_the_same_number_of_statements_for_any_batch(desk: Desk, what: str):
    desk.open()
    counts = {}
    for size in (1, 20, 200):
        names = [f"ch_{size}_{n}" for n in range(size)]
        told: dict[str, list[Reading]] = {
            "refund first": [(a_refund("1", reference=name),) for name in names],
            "alias": [(an_alias(a_refund("1", reference=name)),) for name in names],
            "asks": [an_ask(name, refunded=ron("1")) for name in names],
        }
        desk.deliver(*told[what])
        with counted(desk.store) as statements:
            desk.settle()
        counts[size] = len(statements)

    assert len(set(counts.values())) == 1, counts
    assert len(planned(desk)) == 221
    assert desk.differences() == []


def test_an_ordinary_batch_pays_nothing_for_lookups(desk: Desk):
    desk.open()
    desk.deliver([a_report(ron("1"))])
    with counted(desk.store) as statements:
        desk.settle()

    assert len(statements) > 10
    assert not [each for each in statements if "outbox" in each or "waits_for" in each]


def _renamed(report: Report, reference: str) -> Report:
    key = report.fact.key._replace(reference=reference)
    return replace(report, fact=replace(report.fact, key=key))


def _leased(books: Any) -> Lookup:
    found = lookups.claim(books, clock.now() + SOON)
    assert isinstance(found, Lookup)
    return found


def settle_when(gate: threading.Barrier, store: Store, inbox_id: int, report: Report) -> None:
    gate.wait()
    while True:
        try:
            with store.transaction() as books:
                settled = settling.settle(books, {inbox_id: (report,)}, ZONE)
                return waiting.close(books, settled.closings)
        except TryLater:
            continue


def claim_when(gate: threading.Barrier, store: Store) -> None:
    gate.wait()
    for _ in range(5):
        claim(store)


def test_names_told_and_waited_for_at_the_same_moment_are_never_lost(desk: Desk, store: Store):
    """Batches that park, tell the name and claim the lookup all at once."""
    desk.open()
    rounds, parked = 12, 0
    for number in range(rounds):
        name = f"ch_{number}"
        refunds = [an_alias(a_refund("1", f"re_{n}", reference=name)) for n in range(2)]
        came = a_report(ron("121"), reference=f"pi_{number}", names=[name], meant_for=None)
        told = [*refunds, came]
        gate = threading.Barrier(len(told) + 1)
        with ThreadPoolExecutor(len(told) + 1) as pool:
            pairs = zip(desk.deliver(*([each] for each in told)), told, strict=True)
            hands = [pool.submit(settle_when, gate, store, *pair) for pair in pairs]
            hands.append(pool.submit(claim_when, gate, store))
            assert [hand.result() for hand in hands] == [None] * 4
        assert desk.differences() == []
        parked += len(desk.query("SELECT id FROM inbox WHERE state = 'parked'"))
        with store.transaction() as books:
            parking.wake(books)
        desk.settle()

    assert parked >= 3, f"parked {parked} of {2 * rounds}: nothing was raced for"
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    totals = desk.query("SELECT amount_minor, returned_minor FROM payments")
    assert totals == [(12100, 200)] * rounds
    assert desk.differences() == []


def test_a_parked_event_is_not_among_those_that_an_act_settled(desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver(
        [an_alias(a_refund(reference="ch_9"))], [a_report(ron("121"), meant_for=invoice.number)]
    )
    desk.settle()

    assert desk.query("SELECT after FROM journal WHERE act = 'settle'") == [({"inbox": [2]},)]


def test_a_replay_of_an_event_that_was_given_up_asks_anew(desk: Desk, store: Store):
    tell(desk, an_alias(a_refund(reference="ch_1")))
    with store.transaction() as books:
        lookups.give_up(books, _leased(books))
    assert planned(desk) == [("name:ch_1", "failed")]

    with store.transaction() as books:
        replaying.put_back(books, [1], "test", "test")
    desk.settle()

    assert planned(desk) == [("name:ch_1", "failed"), ("name:ch_1", "waiting")]
    assert desk.query("SELECT state FROM inbox") == [("parked",)]
    answer(desk, store, claimed(store), a_report(ron("121"), names=["ch_1"], trust=Trust.LOOKUP))
    desk.settle()
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert "lookup_failed" not in {kind for kind, _ in desk.attention()}
    assert desk.differences() == []
