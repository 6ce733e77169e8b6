"""The audit: silent on right books, and naming the very law that a corruption breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from domain.facts import FactClass, Move
from ledger.books import audit
from ledger.store import Books, Store
from tests.builders import a_report, eur, ron
from tests.desk import Desk
from tests.ledger.test_links import a_link, clicked
from tests.stores import Stores

TOTALS = "an invoice's total is what its lines add up to"

# The books of `_day`, by row: invoice 1 is paid and a little more by payment 1, invoice 2 is open,
# invoice 3 is void and payment 2 once paid it, invoice 4 is a draft, invoice 5
# is partly credited, payment 3 is nobody's.
OVERPAYING, FREED, UNIDENTIFIED = 1, 2, 3
PAID, OPEN, VOID, DRAFT, CREDITED = 1, 2, 3, 4, 5


def rogue(kind: str, source: str, destination: str, currency: str = "RON", **columns: int) -> str:
    """A posting that nobody may make; accounts outside leave every balance alone."""
    values = {"act_id": 1} | columns
    return (
        f"INSERT INTO postings (kind, source, destination, currency, amount_minor, effective_on,"
        f" {', '.join(values)}) VALUES ('{kind}', '{source}', '{destination}', '{currency}', 1,"
        f" '2026-11-20', {', '.join(map(str, values.values()))})"
    )


BREAKS = {
    "an invoice is paid by what is allocated to it": rogue(
        "allocate", "outside:a", "outside:b", invoice_id=OPEN
    ),
    "an issued invoice owes its account, and never less than nothing": (
        f"UPDATE invoices SET settled_before_minor = 1 WHERE id = {OPEN}"
    ),
    "a payment's amount is what was received": rogue(
        "receive", "outside:stripe:own/test", "outside:b", payment_id=OVERPAYING, fact_id=1
    ),
    "a payment's unapplied credit is the balance of its account, never below zero": rogue(
        "payout", "payment", "outside:a", payment_id=OVERPAYING
    ),
    "what waits for a client is the unidentified balance, never below zero": rogue(
        "payout", "unidentified", "outside:a", currency="EUR", payment_id=UNIDENTIFIED
    ),
    "what a payment received is applied, unapplied, unidentified or gone back": rogue(
        "allocate", "outside:a", "outside:b", payment_id=OVERPAYING
    ),
    "what went back, and what was lost by it, is what the postings say": rogue(
        "loss", "outside:a", "outside:b", payment_id=OVERPAYING
    ),
    "what went back is exactly what the facts say went back": (
        "INSERT INTO facts (gateway, account, reference, move, item, status, class, currency,"
        " amount_minor, trust, meant_for, happened_at, inbox_id) SELECT gateway, account,"
        " reference, 'out', 're_1', status, 'refund', currency, 1, trust, '{}', happened_at,"
        " inbox_id FROM facts WHERE reference = 'pi_1' AND move = 'in'"
    ),
    "money waits unidentified exactly while no client is known": (
        f"UPDATE payments SET client_id = 1 WHERE id = {UNIDENTIFIED}"
    ),
    "a posting stays within one client and one currency": (
        f"UPDATE postings SET client_id = 2 WHERE kind = 'issue' AND invoice_id = {OPEN}"
    ),
    "money is received from its gateway's account, by a fact of its payment": (
        f"UPDATE postings SET fact_id = 1 WHERE kind = 'receive' AND payment_id = {FREED}"
    ),
    "a parked delivery waits for an errand or for a person": (
        "UPDATE inbox SET state = 'parked', waits_for = 'ch_1' WHERE id = 1"
    ),
    "money that went back and never came is asked about, or was shown to a person": (
        "UPDATE outbox SET state = 'cancelled' WHERE subject = 'name:pi_4'"
    ),
    "a fee is booked once, as its fact tells it": (
        "UPDATE facts SET amount_minor = amount_minor + 1 WHERE move = 'fee'"
    ),
    "no open invoice has a payment meant for it that is not applied": (
        f"INSERT INTO intents (payment_id, position, invoice_id) VALUES ({OVERPAYING}, 1, {OPEN})"
    ),
    "money is applied where it is meant, and up to what is meant": (
        f"DELETE FROM intents WHERE payment_id = {OVERPAYING}"
    ),
    "a payment is meant for an invoice once": (
        f"INSERT INTO intents (payment_id, position, invoice_id) VALUES ({OVERPAYING}, 1, {PAID})"
    ),
    "an invoice is issued once for its total, and void once for the same": rogue(
        "issue", "outside:a", "outside:b", invoice_id=OPEN
    ),
    "what an invoice is credited and written off is what was posted so": (
        f"UPDATE invoices SET credited_minor = 0, written_off_minor = 100 WHERE id = {CREDITED}"
    ),
    "what is credited, written off or void was lowered by a person who said why": rogue(
        "write_off", "outside:a", "outside:write_off"
    ),
    "an opposite keeps the kind, swaps the accounts and never exceeds what it reverses": rogue(
        "payout", "outside:a", "outside:b", reverses=1
    ),
    "a gateway's payment is exactly what the facts say arrived": (
        "UPDATE facts SET amount_minor = amount_minor + 1 WHERE reference = 'pi_1' AND move = 'in'"
    ),
    "every posting names rows that exist": rogue("payout", "outside:a", "outside:b", act_id=999),
    "every payment and every intent names rows that exist": (
        "INSERT INTO intents (payment_id, position, invoice_id) VALUES (999, 0, 999)"
    ),
    "every fact comes from a delivery, under the main name of its payment": (
        "UPDATE facts SET inbox_id = 999 WHERE reference = 'pi_1' AND move = 'in'"
    ),
    "nothing is planned to chase an invoice that is not owed": (
        f"UPDATE reminders SET state = 'planned' WHERE invoice_id = {PAID} AND step_days = 7"
    ),
    "a settled delivery left something behind, and a dead one says why": (
        "UPDATE inbox SET settled_at = NULL WHERE id = 1"
    ),
    "a dead delivery was shown to a person": (
        "UPDATE inbox SET state = 'dead', reason = 'x' WHERE id = 1"
    ),
    "a link's token is of a version that the link has, or had": (
        "UPDATE pay_tokens SET version = 2 WHERE link_id = 1"
    ),
    "an attempt asks for what its link shows: its invoice, or its client's": (
        f"UPDATE attempt_invoices SET invoice_id = {CREDITED} WHERE attempt_id = 2"
    ),
    "a session in which somebody could pay for what is closed is being closed": (
        "DELETE FROM outbox WHERE key = 'expire:1'"
    ),
    "what is promised back is what the refunds under way add up to": (
        f"UPDATE payments SET reserved_minor = 1 WHERE id = {UNIDENTIFIED}"
    ),
    "a refund ends as its fact tells, and one under way has an errand, an answer or a person": (
        "INSERT INTO refunds (payment_id, currency, amount_minor, state, actor, reason, closed_at)"
        f" VALUES ({UNIDENTIFIED}, 'EUR', 1, 'done', 'x', 'x', now())"
    ),
    "what is written in the books is guarded": (
        "ALTER TABLE journal DISABLE TRIGGER journal_append_only"
    ),
    TOTALS: f"UPDATE invoices SET total_minor = total_minor + 1 WHERE id = {DRAFT}",
}

# Every stored projection, and every posting, one at a time.
FALSE_BY_ONE = {
    "paid": (f"UPDATE invoices SET paid_minor = paid_minor - 1 WHERE id = {PAID}", "invoice:1"),
    "total": (f"UPDATE invoices SET total_minor = total_minor + 1 WHERE id = {OPEN}", "invoice:2"),
    "written off": (f"UPDATE invoices SET written_off_minor = 1 WHERE id = {OPEN}", "invoice:2"),
    "credited": (f"UPDATE invoices SET credited_minor = 99 WHERE id = {CREDITED}", "invoice:5"),
    "settled": (f"UPDATE invoices SET settled_before_minor = 1 WHERE id = {OPEN}", "invoice:2"),
    "state": (f"UPDATE invoices SET state = 'issued' WHERE id = {VOID}", "invoice:3"),
    "amount": (
        f"UPDATE payments SET amount_minor = amount_minor + 1 WHERE id = {FREED}",
        "payment:2",
    ),
    "unapplied": (f"UPDATE payments SET unapplied_minor = 0 WHERE id = {FREED}", "payment:2"),
    "unidentified": (
        f"UPDATE payments SET unidentified_minor = 1 WHERE id = {UNIDENTIFIED}",
        "payment:3",
    ),
    "lines": (
        f"UPDATE invoice_lines SET quantity = quantity + 1 WHERE invoice_id = {OPEN}",
        "invoice:2",
    ),
    "price": (
        f"UPDATE invoice_lines SET unit_price = unit_price + 1 WHERE invoice_id = {OPEN}",
        "invoice:2",
    ),
    "net": (
        f"UPDATE invoice_lines SET net_minor = net_minor + 1 WHERE invoice_id = {OPEN}",
        "invoice:2",
    ),
    "invoice's client": (f"UPDATE invoices SET client_id = 2 WHERE id = {OPEN}", "posting:2"),
    "posting's currency": ("UPDATE postings SET currency = 'EUR' WHERE id = 2", "posting:2"),
    "posting's source": (
        "UPDATE postings SET source = 'outside:cash' WHERE kind = 'receive'"
        f" AND payment_id = {UNIDENTIFIED}",
        "posting:6",
    ),
    "a senseless line": (
        f"UPDATE invoice_lines SET quantity = 0 WHERE invoice_id = {OPEN}",
        "invoice:2",
    ),
    "a senseless category": (
        f"UPDATE invoice_lines SET vat_category = '?' WHERE invoice_id = {OPEN}",
        "invoice:2",
    ),
    "rate": (f"UPDATE invoice_lines SET vat_rate = 11 WHERE invoice_id = {OPEN}", "invoice:2"),
    "fact": ("UPDATE facts SET status = 'failed' WHERE reference = 'pi_2'", "payment:2"),
    "fact gone": ("DELETE FROM facts WHERE reference = 'pi_2'", "payment:2"),
    "payment name": ("DELETE FROM payment_names WHERE name = 'pi_2'", "fact:2"),
    "receive": (
        "UPDATE postings SET amount_minor = amount_minor + 1"
        f" WHERE kind = 'receive' AND payment_id = {FREED}",
        "payment:2",
    ),
    "issue": (
        f"UPDATE postings SET amount_minor = 1 WHERE kind = 'issue' AND invoice_id = {OPEN}",
        "invoice:2",
    ),
    "allocation gone": (
        f"DELETE FROM postings WHERE kind = 'allocate' AND invoice_id = {PAID}",
        "invoice:1",
    ),
    "limit of a link": (
        f"UPDATE intents SET amount_minor = 12099 WHERE payment_id = {OVERPAYING}",
        "payment:1",
    ),
    "unapplied below a limit": (
        "INSERT INTO intents (payment_id, position, invoice_id, amount_minor)"
        f" VALUES ({OVERPAYING}, 1, {OPEN}, 1)",
        "invoice:2",
    ),
    "opposite gone": (
        f"DELETE FROM postings WHERE kind = 'allocate' AND invoice_id = {VOID}"
        " AND reverses IS NOT NULL",
        "invoice:3",
    ),
}


@pytest.fixture(scope="module")
def store(stores: Stores, worker: str) -> Iterator[Store]:
    with stores.clone(f"{worker}_audit") as dsn:
        store = Store(dsn)
        _day(Desk(store))
        yield store
        store.close()


@pytest.fixture
def books(store: Store) -> Iterator[Books]:
    """Books that a test may corrupt: nothing of it stays."""
    with _rolled_back(store) as books:
        books.run("SET LOCAL session_replication_role = replica")  # no trigger stands in the way
        yield books


def test_right_books_differ_in_nothing(books: Books):
    assert list(audit.audit(books)) == []


def test_every_law_has_a_corruption_that_breaks_it():
    assert set(BREAKS) == {*audit.laws(), TOTALS}


@pytest.mark.parametrize(("law", "corruption"), BREAKS.items(), ids=BREAKS.keys())
def test_the_audit_names_exactly_the_broken_law(books: Books, law: str, corruption: str):
    assert books.run(corruption) in (1, -1)  # DDL counts no rows

    assert [difference.law for difference in audit.audit(books)] == [law]


@pytest.mark.parametrize(("corruption", "subject"), FALSE_BY_ONE.values(), ids=FALSE_BY_ONE.keys())
def test_nothing_stored_can_be_false_unseen(books: Books, corruption: str, subject: str):
    assert books.run(corruption) == 1

    assert subject in {difference.subject for difference in audit.audit(books)}


def _day(desk: Desk) -> None:
    ana = desk.open()
    desk.client()
    paid, open_, void = (desk.invoice(ana) for _ in range(3))
    desk.draft(ana)
    for invoice in (paid, open_):
        clicked(desk.store, a_link(desk.store, invoice))
    desk.deliver(
        [a_report(ron("130.00"), reference="pi_1", meant_for=paid.number)],
        [a_report(ron("121.00"), reference="pi_2", meant_for=void.number)],
        [a_report(eur("7.00"), reference="pi_3", meant_for=None)],
    )
    desk.settle()
    desk.void(void.id)
    desk.credit_note(desk.invoice(ana).id, 100)
    refund: dict[str, Any] = {"move": Move.OUT, "item": "re_4", "fact_class": FactClass.REFUND}
    fee: dict[str, Any] = {"move": Move.FEE, "item": "txn_1", "fact_class": FactClass.FEE}
    desk.deliver(
        [a_report(ron("5.00"), reference="pi_4", meant_for=None, **refund)],
        [a_report(eur("0.20"), reference="pi_1", meant_for=None, **fee)],
    )
    desk.settle()


class _Rollback(Exception):  # noqa: N818 - it ends a test, it is no error
    pass


@contextmanager
def _rolled_back(store: Store) -> Iterator[Books]:
    try:
        with store.transaction() as books:
            yield books
            raise _Rollback
    except _Rollback:
        pass
