"""NETOPIA's notices from the door to the books: once each, whatever their number and order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import httpx
import pytest

from ledger.books import attention
from ledger.store import Store
from tests.desk import Desk
from tests.workers.netopia import OK, Post, a_netopia, notice, opened, resent


@pytest.fixture
def post(store: Store, fresh_dsn: str) -> Iterator[Post]:
    with opened(store, fresh_dsn, a_netopia()) as post:
        yield post


def test_a_paid_notice_pays_the_invoice_of_its_attempt(post: Post, desk: Desk):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")

    post.bring(notice(f"{invoice.number}-1"))

    (payment,) = desk.payments()
    assert (payment.method, payment.gateway_reference) == ("mobilpay", "1309088")
    assert not desk.standing(invoice.id).is_open
    assert (post.attempts(), desk.attention()) == (["succeeded"], [])
    assert desk.differences() == []


@pytest.mark.parametrize("amount", [100.0, 130.0])
def test_another_amount_than_was_asked_for_is_shown_once(post: Post, desk: Desk, amount: float):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    paid = notice(f"{invoice.number}-1", 3, amount=amount)
    confirmed = notice(f"{invoice.number}-1", 5, amount=amount)

    post.bring(paid)
    shown = desk.query("SELECT id, subject, detail FROM attention WHERE kind = 'fact_disagrees'")
    with desk.store.transaction() as books:
        attention.resolve_by_id(books, shown[0][0], "somebody", "asked the client")
    post.bring(confirmed, resent(paid))

    (payment,) = desk.payments()
    assert payment.amount_minor == amount * 100
    assert [row[1:] for row in shown] == [
        (f"payment:{payment.id}", "121.00 RON was asked for, and another amount was paid")
    ]
    assert "fact_disagrees" not in [kind for kind, _ in desk.attention()]
    assert desk.differences() == []


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_whatever_the_content_is_called_its_bytes_count(post: Post, content_type: str):
    answer = post.send(notice("INV-1-1"), **{"Content-Type": content_type})

    assert (answer.status_code, answer.content) == (200, OK)
    assert answer.headers["content-type"] == "application/json"
    assert len(post.events()) == 1


def test_fifty_copies_at_once_are_one_payment(post: Post, desk: Desk):
    invoice = desk.invoice(desk.open())
    body = notice(f"{invoice.number}-1")
    post.attempt(invoice.id, f"{invoice.number}-1")

    with ThreadPoolExecutor(50) as hands:
        answers: list[httpx.Response] = list(hands.map(post.send, [body] * 50))
    post.work()

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, OK)}
    assert post.events() == [("webhook", "paid", "done")]
    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert desk.differences() == []


@pytest.mark.parametrize("order", list(permutations((12, 3, 5))), ids=str)
def test_in_any_order_and_again_it_is_one_payment(post: Post, desk: Desk, order: tuple[int, ...]):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    told = [notice(f"{invoice.number}-1", status) for status in order]

    post.bring(*told, *map(resent, told))

    assert len(post.events()) == 6
    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert [kind for kind, *_ in desk.postings()].count("receive") == 1
    assert post.attempts() == ["succeeded"]
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ((1,), "open"),
        ((15,), "pending"),
        ((15, 12), "failed"),
        ((12, 15), "failed"),
        ((12, 3), "succeeded"),
        ((6, 4), "cancelled"),
        ((15, 23), "expired"),
        ((23, 3), "succeeded"),
        ((3, 23), "succeeded"),
    ],
)
def test_an_attempt_goes_on_with_what_is_told(
    post: Post, desk: Desk, statuses: tuple[int, ...], state: str
):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")

    post.bring(*(notice(f"{invoice.number}-1", status) for status in statuses))

    assert post.attempts() == [state]
    assert len(desk.payments()) == (state == "succeeded")
    assert desk.standing(invoice.id).is_open == (state != "succeeded")


def test_a_refund_without_an_amount_books_nothing_and_asks_a_person(post: Post, desk: Desk):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    post.bring(notice(f"{invoice.number}-1"))
    before = desk.postings()

    post.bring(notice(f"{invoice.number}-1", 8))

    assert desk.postings() == before
    assert desk.attention() == [("refund_untold", "event:2")]
    ((detail,),) = desk.query("SELECT detail FROM attention")
    assert "1309088" in detail
    assert "121.00 RON" in detail


@pytest.mark.parametrize("order", [(3, 10), (10, 3), (10,), (3, 10, 10)], ids=str)
def test_a_lost_chargeback_takes_the_payment_back_and_holds(
    post: Post, desk: Desk, order: tuple[int, ...]
):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")

    post.bring(*(notice(f"{invoice.number}-1", status) for status in dict.fromkeys(order)))
    post.bring(*(resent(notice(f"{invoice.number}-1", status)) for status in order))

    assert desk.standing(invoice.id).is_open
    assert desk.attention() == [("disputed", f"invoice:{invoice.id}")]
    assert [kind for kind, *_ in desk.postings()].count("chargeback") == 1
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("status", "kind"), [(8, "refund_untold"), (9, "dispute_opened"), (16, "dispute_opened")]
)
@pytest.mark.parametrize("is_told_first", [False, True])
def test_what_was_refunded_or_disputed_had_come(
    post: Post, desk: Desk, status: int, kind: str, *, is_told_first: bool
):
    """Should the notice of the payment be lost, nobody is chased who paid; nor does it grow."""
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    told = [
        notice(f"{invoice.number}-1"),
        notice(f"{invoice.number}-1", status, amount=500.0),
    ]
    lost = notice(f"{invoice.number}-1", status)

    post.bring(lost)
    alone = desk.standing(invoice.id).is_open, post.attempts()
    post.bring(*(reversed(told) if is_told_first else told))

    assert alone == (False, ["succeeded"])
    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert {shown for shown, _ in desk.attention()} == {kind}
    assert desk.differences() == []


@pytest.mark.parametrize("status", [9, 16, 17])
def test_an_open_dispute_moves_nothing_and_is_shown(post: Post, desk: Desk, status: int):
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    post.bring(notice(f"{invoice.number}-1"))

    post.bring(notice(f"{invoice.number}-1", status))

    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == [("dispute_opened", "event:2")]


def test_money_in_another_currency_is_kept_and_shown(post: Post, desk: Desk):
    """An order in euros of an account that is not cleared for them is paid in lei."""
    invoice = desk.invoice(desk.open(), "20", "EUR")
    post.attempt(invoice.id, f"{invoice.number}-1")

    post.bring(notice(f"{invoice.number}-1", amount=361.78))

    (payment,) = desk.payments()
    assert (payment.currency, payment.unapplied_minor) == ("RON", 36178)
    assert [kind for kind, _ in desk.attention()] == ["other_currency"]
    assert desk.standing(invoice.id).is_open


def test_a_second_payment_of_one_order_is_credit(post: Post, desk: Desk):
    """An old page was open in another window."""
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")

    post.bring(*(notice(f"{invoice.number}-1", ntp_id=name) for name in ("1309088", "1309089")))

    assert [payment.unapplied_minor for payment in desk.payments()] == [0, 12100]
    assert [kind for kind, _ in desk.attention()] == ["overpaid"]


def test_money_for_an_unknown_order_is_kept(post: Post, desk: Desk):
    desk.open()

    post.bring(notice("INV-9999-1"))

    assert [payment.unidentified_minor for payment in desk.payments()] == [12100]
    assert [kind for kind, _ in desk.attention()] == ["unknown_invoice"]


def test_money_without_a_moment_waits_while_nobody_can_be_asked(post: Post, desk: Desk):
    invoice = desk.invoice(desk.open())

    post.bring(notice(f"{invoice.number}-1", operationDate=None))

    assert post.events() == [("webhook", "paid", "parked")]
    assert desk.payments() == []
    assert desk.attention() == [("lookup_failed", f"name:1309088/{invoice.number}-1")]


def test_a_forged_notice_changes_nothing(post: Post, desk: Desk):
    body = notice("INV-1-1")

    answer = post.send(body, **{"Verification-token": "e30.e30.e30"})

    assert (answer.status_code, answer.json()["errorType"]) == (200, 1)
    assert post.events() == []
