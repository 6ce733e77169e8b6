"""The errand of asking Stripe: real client, real rows, and every way it can end between the two."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest

from ledger import outbox
from ledger.books import origins
from ledger.inbox import events as inbox_events
from ledger.inbox import waiting
from ledger.settlement import lookups
from ledger.settlement.lookups import Lookup
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from tests import stripe_events, stripe_server
from tests.desk import Desk
from tests.stripe_server import Account, a_charge, a_dispute, a_refund, an_intent
from tests.workers.test_events import keep, settle_all
from workers import events
from workers import lookups as errands
from workers.nudges import Nudges


@pytest.fixture
def account(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with stripe_server.serving() as account:
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_x")
        monkeypatch.setenv("STRIPE_API_BASE", account.url)
        settings.cache_clear()
        wiring.gateways.cache_clear()
        yield account


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    sent: list[object] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: sent.append(tuple(ids)))
    return sent


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute later than it is, so that what waits for half a minute is due."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(minutes=1))


def pass_time(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(minutes=minutes))


def the_refund(reference: str = "1", amount_minor: int = 2100, **changes: object) -> bytes:
    refund = a_refund(reference, amount_minor, **changes)
    refund |= {"balance_transaction": None, "livemode": False}
    return stripe_events.event(f"evt_{refund['id']}", "refund.created", refund)


def settle(store: Store) -> None:
    settle_all(store, wiring.gateways())


def test_a_refund_without_its_payment_is_asked_about_and_booked(
    desk: Desk, store: Store, account: Account, sent: list[object]
):
    invoice = desk.invoice(desk.open())
    account.payments["pi_1"] = an_intent("1", 12100, str(invoice.number))
    account.refunds.append(a_refund("1", 2100))
    keep(desk, the_refund())
    settle(store)

    errands.run_lookups()
    settle(store)

    assert sent == [(2,)]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.query("SELECT state FROM outbox") == [("done",)]
    assert desk.query("SELECT kind, source FROM inbox ORDER BY id") == [
        ("refund.created", "webhook"),
        ("lookup", "lookup"),
    ]
    assert ("fee", "outside:fees", "outside:stripe:own/test", 450) in desk.postings()
    assert desk.differences() == []
    errands.run_lookups()
    assert account.asked == ["/v1/payment_intents/pi_1", "/v1/refunds", "/v1/disputes"]


def test_every_order_of_refund_payment_and_answer_ends_the_same(
    desk: Desk, store: Store, account: Account
):
    """Also when the gateway answers at once, or only after the payment came by itself."""
    invoice = desk.invoice(desk.open(), "1000")
    outcomes, asked = [], []
    for number, order in enumerate(permutations(("refund", "payment", "answer"))):
        reference = f"{number}"
        account.payments[f"pi_{number}"] = an_intent(reference, 12100, str(invoice.number))
        account.refunds[:] = [a_refund(reference, 2100)]
        _, paid, _ = stripe_events.sisters(reference, 12100, str(invoice.number))
        answer = wiring.gateways()["stripe"].lookup(f"pi_{number}")
        before = len(account.asked)
        for step in order:
            if step == "answer":
                keep_answer(store, f"pi_{number}", answer)
            else:
                keep(desk, the_refund(reference) if step == "refund" else paid)
            settle(store)
            errands.run_lookups()
            settle(store)
        asked.append(len(account.asked) - before)
        outcomes.append(
            desk.query(
                "SELECT amount_minor, unapplied_minor, returned_minor, lost_minor FROM payments"
                f" WHERE gateway_reference = 'pi_{number}'"
            )
            + desk.query(
                "SELECT move, item <> '', status, class, amount_minor, trust FROM facts"
                f" WHERE reference = 'pi_{number}' ORDER BY move, item"
            )
            + desk.query(
                "SELECT kind, sum(CASE WHEN reverses IS NULL THEN p.amount_minor"
                " ELSE -p.amount_minor END) FROM postings p JOIN payments m ON m.id = payment_id"
                f" WHERE gateway_reference = 'pi_{number}' GROUP BY kind ORDER BY kind"
            )
        )

    assert len(outcomes) == 6
    assert all(each == outcomes[0] for each in outcomes)
    assert outcomes[0][0] == (12100, 0, 2100, 0)
    assert sorted(asked) == [0, 0, 0, 0, 3, 3]  # asked where the refund came first
    assert desk.standing(invoice.id).paid_minor == 6 * 10000
    assert desk.query("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'claimed')") == [(0,)]
    assert desk.differences() == []


def keep_answer(store: Store, name: str, answer: bytes) -> None:
    with store.transaction() as books:
        books.run(
            "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
            " VALUES ('stripe', 'own/test', :event_id, 'lookup', 'lookup', :raw, '{}', :sha256)"
            " ON CONFLICT DO NOTHING",
            event_id=f"lookup:{name}:{hashlib.sha256(answer).hexdigest()}",
            raw=answer,
            sha256=hashlib.sha256(answer).digest(),
        )


def test_dying_between_the_answer_and_the_keeping_asks_again_and_is_one_event(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(lookups, "keep", die)
        with pytest.raises(Killed):
            errands.run_lookups()
    assert desk.query("SELECT state FROM outbox") == [("claimed",)]
    errands.run_lookups()
    assert len(account.asked) == 3  # the lease has not run out
    pass_time(monkeypatch, 2)
    errands.run_lookups()
    settle(store)

    assert len(account.asked) == 6
    assert desk.query("SELECT state, attempts FROM outbox") == [("done", 2)]
    assert desk.query("SELECT count(*) FROM inbox WHERE source = 'lookup'") == [(1,)]
    assert desk.differences() == []


def test_dying_after_the_keeping_loses_nothing(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    """The answer is a row; the sweep finds it, and settling it closes the errand."""
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)
    kept: list[int] = []
    assert errands.look_up_next(store, wiring.gateways(), kept)

    events.sweep()
    settle(store)

    assert kept == [2]
    assert desk.query("SELECT state FROM outbox") == [("done",)]


def test_two_workers_that_race_for_one_errand_ask_once(desk: Desk, store: Store, account: Account):
    rounds, hands = 8, 4
    for number in range(rounds):
        account.payments[f"pi_{number}"] = an_intent(f"{number}", 12100)
        keep(desk, the_refund(f"{number}"))
        settle(store)
        gate = threading.Barrier(hands)

        def run(gate: threading.Barrier = gate) -> list[int]:
            kept: list[int] = []
            gate.wait()
            errands.look_up_next(store, wiring.gateways(), kept)
            return kept

        with ThreadPoolExecutor(hands) as pool:
            kept = [each.result() for each in [pool.submit(run) for _ in range(hands)]]
        assert sum(map(len, kept)) == 1
        settle(store)

    assert account.asked.count("/v1/refunds") == rounds
    assert desk.query("SELECT state, attempts, count(*) FROM outbox GROUP BY 1, 2") == [
        ("done", 1, rounds)
    ]
    assert desk.differences() == []


@pytest.mark.parametrize("trouble", [429, 500, 503, "silence"])
def test_a_gateway_in_trouble_is_asked_again_later(
    desk: Desk,
    store: Store,
    account: Account,
    trouble: int | str,
    monkeypatch: pytest.MonkeyPatch,
):
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)
    for pause in (1, 2, 4):
        account.troubles.append(trouble)
        errands.run_lookups()
        assert desk.query("SELECT state FROM outbox") == [("waiting",)]
        errands.run_lookups()
        assert account.troubles == []
        pass_time(monkeypatch, pause)
    errands.run_lookups()
    settle(store)

    assert desk.query("SELECT state, attempts FROM outbox") == [("done", 4)]
    assert desk.attention() == [("unknown_invoice", "payment:1")]
    assert desk.query("SELECT * FROM tries") == []
    assert desk.differences() == []


def test_a_gateway_that_never_comes_back_is_shown_to_a_person_after_three_days(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    keep(desk, the_refund())
    settle(store)
    hours = 0
    while desk.query("SELECT state FROM outbox") == [("waiting",)]:
        account.troubles[:] = [500]
        errands.run_lookups()
        pass_time(monkeypatch, 6 * 60)
        hours += 6
        assert hours < 100

    assert hours > 72
    assert desk.attention() == [("lookup_failed", "name:pi_1")]
    assert desk.differences() == []


def test_without_a_key_a_person_is_told_at_once_what_to_set(desk: Desk, store: Store):
    keep(desk, the_refund())
    settle(store)

    errands.run_lookups()

    ((kind, detail),) = desk.query("SELECT kind, detail FROM attention")
    assert kind == "lookup_failed"
    assert "STRIPE_API_KEY is not set" in detail
    assert desk.query("SELECT state FROM outbox") == [("waiting",)]
    assert desk.differences() == []


def test_a_key_that_is_set_later_answers_what_waits(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)
    account.troubles.append(401)
    errands.run_lookups()
    assert desk.attention() == [("lookup_failed", "name:pi_1")]

    pass_time(monkeypatch, 2)
    errands.run_lookups()
    settle(store)

    assert ("lookup_failed", "name:pi_1") not in desk.attention()
    assert len(desk.payments()) == 1


def test_a_gateway_that_is_not_configured_is_not_asked(desk: Desk, store: Store):
    keep(desk, the_refund())
    settle(store)

    assert errands.look_up_next(store, {}, [])

    assert desk.attention() == [("lookup_failed", "name:pi_1")]


def test_a_bug_of_ours_keeps_the_errand(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    keep(desk, the_refund())
    settle(store)
    gateway = wiring.gateways()["stripe"]

    def stumble(*_: object) -> bytes:
        raise KeyError("x")

    monkeypatch.setattr(type(gateway), "lookup", stumble)
    errands.run_lookups()

    assert desk.query("SELECT state, reason FROM outbox") == [("waiting", "KeyError")]


def test_no_transaction_is_open_while_the_gateway_is_asked(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)
    gateway = wiring.gateways()["stripe"]
    lookup = type(gateway).lookup
    seen: list[object] = []

    def look(self: object, reference: str) -> bytes:
        seen.extend(
            desk.query(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
        )
        seen.append("asked")
        return lookup(self, reference)  # type: ignore[arg-type]

    monkeypatch.setattr(type(gateway), "lookup", look)
    errands.run_lookups()

    assert seen == ["asked"]


def test_a_dispute_of_a_charge_whose_payment_nobody_told_waits_for_the_answer(
    desk: Desk, store: Store, account: Account
):
    invoice = desk.invoice(desk.open())
    intent = an_intent("1", 12100, str(invoice.number), latest_charge="ch_1")
    account.payments["ch_1"] = a_charge("1", 12100, payment_intent=intent)
    dispute = a_dispute("1", 12100, payment_intent=None)
    account.disputes.append(dispute)
    keep(desk, stripe_events.event("evt_d", "charge.dispute.funds_withdrawn", dispute))
    settle(store)
    assert desk.query("SELECT state FROM inbox") == [("parked",)]
    with store.transaction() as books:
        assert waiting.is_money_unclear(books)

    errands.run_lookups()
    settle(store)

    assert desk.query("SELECT state FROM inbox ORDER BY id") == [("done",), ("done",)]
    assert desk.standing(invoice.id).paid_minor == 0
    assert [kind for kind, *_ in desk.postings()].count("fee") == 2
    assert desk.differences() == []


def test_a_running_total_finds_the_refund_that_was_never_delivered(
    desk: Desk, store: Store, account: Account
):
    invoice = desk.invoice(desk.open())
    keep(desk, *stripe_events.sisters("1", 12100, str(invoice.number)))
    total = a_charge("1", 12100, amount_refunded=2100, balance_transaction="txn_1")
    keep(desk, stripe_events.event("evt_r", "charge.refunded", total))
    account.payments["pi_1"] = an_intent("1", 12100, str(invoice.number))
    account.refunds.append(a_refund("1", 2100))
    settle(store)
    assert not desk.standing(invoice.id).is_open

    errands.run_lookups()
    settle(store)

    assert desk.standing(invoice.id).paid_minor == 10000
    assert ("refunded", f"invoice:{invoice.id}") in desk.attention()
    assert desk.differences() == []


def test_the_fee_is_asked_for_when_the_charge_is_on_the_balance_and_booked_once(
    desk: Desk, store: Store, account: Account
):
    keep(desk, *stripe_events.sisters("1", 12100, "INV-0001"))
    account.payments["pi_1"] = an_intent("1", 12100)
    for number in range(2):
        updated = a_charge("1", 12100, balance_transaction="txn_1")
        keep(desk, stripe_events.event(f"evt_u{number}", "charge.updated", updated))
        settle(store)
        errands.run_lookups()
        settle(store)

    fees = [posting for posting in desk.postings() if posting[0] == "fee"]
    assert fees == [("fee", "outside:fees", "outside:stripe:own/test", 450)]
    assert account.asked.count("/v1/payment_intents/pi_1") == 1
    assert desk.differences() == []


def test_the_lease_is_the_one_of_every_errand(desk: Desk, store: Store, account: Account):
    """A hand that comes back after its lease finds that it is no longer its errand."""
    account.payments["pi_1"] = an_intent("1", 12100)
    keep(desk, the_refund())
    settle(store)
    with store.transaction() as books:
        late = lookups.claim(books, clock.now())
    assert isinstance(late, Lookup)
    with store.transaction() as books:
        again = lookups.claim(books, clock.now() + timedelta(minutes=2))
    assert isinstance(again, Lookup)

    with store.transaction() as books:
        assert lookups.keep(books, late, b"{}", b"x", clock.now()) is None
        assert not outbox.finish(books, late.leased)

    assert desk.query("SELECT count(*) FROM inbox") == [(1,)]
    assert desk.query("SELECT state, fence FROM outbox") == [("claimed", 2)]


def test_the_sweep_wakes_what_an_ordinary_report_has_told_the_name_of(
    desk: Desk, store: Store, sent: list[object]
):
    invoice = desk.invoice(desk.open())
    keep(desk, the_refund(payment_intent=None))
    settle(store)
    assert desk.query("SELECT state FROM inbox") == [("parked",)]
    keep(desk, *stripe_events.sisters("1", 12100, str(invoice.number)))
    settle(store)

    events.sweep()
    settle(store)

    assert sent == [()]
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert desk.differences() == []


def test_why_leads_from_a_posting_to_the_bytes_of_the_answer(
    desk: Desk, store: Store, account: Account
):
    invoice = desk.invoice(desk.open())
    account.payments["pi_1"] = an_intent("1", 12100, str(invoice.number))
    keep(desk, the_refund())
    settle(store)
    errands.run_lookups()
    settle(store)

    with store.snapshot() as books:
        found = origins.of_invoice(books, invoice.id)
        (received,) = [each for each in found if each.posting.kind == "receive"]
        (fact,) = received.facts
        raw = inbox_events.raw(books, fact.event)

    assert (fact.event_source, fact.event_kind) == ("lookup", "lookup")
    assert fact.event_id == f"lookup:pi_1:{hashlib.sha256(raw).hexdigest()}"
    assert fact.sha256 == hashlib.sha256(raw).hexdigest()
    assert raw == wiring.gateways()["stripe"].lookup("pi_1")
    assert [each.posting.kind for each in found].count("fee") == 1
