"""MobilPay from the door to the books: what it hears, and what of it is money."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest
import uvloop

from domain.money import Money
from ledger.links.attempting import Attempt
from ledger.store import Store
from tests import mobilpay_seal as seal
from tests.desk import Desk
from tests.webhooks import knocking
from tests.webhooks.knocking import Answer, open_door
from tests.webhooks.mobilpay import (
    BUSY,
    FINAL,
    PATH,
    RESEND,
    Shop,
    address,
    knock,
    notice,
    tell,
    thanks,
)
from webhooks import proving
from webhooks.requests import MOST_BODY_BYTES

NOWHERE = "redis+socket:///nowhere/redis.sock"


@pytest.fixture
def store(fresh_dsn: str) -> Iterator[Store]:
    store = Store(fresh_dsn)
    yield store
    store.close()


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(Desk(store), seal.a_mobilpay())


def told(shop: Shop, dsn: str, *notices: tuple[Attempt, dict[str, str]]) -> list[Answer]:
    """What is heard by notices that come one after the other, each settled before the next."""

    async def run() -> list[Answer]:
        async with open_door(dsn, NOWHERE, gateway=shop.gateway) as door:
            answers = []
            for attempt, changes in notices:
                answers.append(await tell(door, attempt, **changes))
                await asyncio.to_thread(shop.settle)
            return answers

    return uvloop.run(run())


def visited(shop: Shop, dsn: str, *visits: tuple[str, bytes, str]) -> list[Answer]:
    """What is heard at any address, by any method."""

    async def run() -> list[Answer]:
        async with open_door(dsn, NOWHERE, gateway=shop.gateway) as door:
            return [await knock(door, *visit) for visit in visits]

    return uvloop.run(run())


def moved(desk: Desk) -> Counter[str]:
    return Counter(kind for kind, *_ in desk.postings())


def test_fifty_copies_at_once_are_one_payment_and_all_are_thanked(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    bodies = [seal.body(notice(attempt, told_at="20261121100000")) for _ in range(50)]
    assert len(set(bodies)) == 50

    async def run() -> Sequence[Answer]:
        async with open_door(fresh_dsn, NOWHERE, gateway=shop.gateway) as door:
            knocks = (knock(door, address(attempt), body) for body in bodies)
            return await asyncio.gather(*knocks)

    answers = uvloop.run(run())
    shop.settle()

    assert {(answer.status, answer.body) for answer in answers} == {(200, thanks())}
    assert {answer.headers[b"content-type"] for answer in answers} == {b"application/xml"}
    assert len(shop.inbox()) == 1
    (payment,) = shop.desk.payments()
    assert payment.amount_minor == attempt.money.minor
    assert moved(shop.desk) == {"issue": 1, "receive": 1, "allocate": 1}
    assert shop.desk.query("SELECT state FROM attempts") == [("succeeded",)]
    assert shop.desk.query("SELECT is_open FROM invoices") == [(False,)]
    assert shop.desk.differences() == []


STEPS = (
    {"action": "paid", "told_at": "20261121100000", "crc": "a"},
    {"action": "confirmed_pending", "told_at": "20261121100100", "crc": "b"},
    {"action": "confirmed", "code": "20", "told_at": "20261121100200", "crc": "c"},
    {"action": "confirmed", "told_at": "20261121100300", "crc": "d"},
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3], ids=str)
def test_in_any_order_one_payment_comes_of_all_that_is_told(
    order: tuple[int, ...], shop: Shop, fresh_dsn: str
):
    attempt = shop.attempt(shop.desk.open())

    answers = told(shop, fresh_dsn, *((attempt, STEPS[step]) for step in (*order, *order)))

    assert [answer.body for answer in answers] == [
        thanks(STEPS[step]["crc"]) for step in (*order, *order)
    ]
    assert moved(shop.desk) == {"issue": 1, "receive": 1, "allocate": 1}
    assert shop.desk.query("SELECT state FROM attempts") == [("succeeded",)]
    assert len(shop.inbox()) == 4
    assert shop.desk.differences() == []


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"action": "confirmed", "code": "20"}, "failed"),
        ({"action": "paid"}, "pending"),
        ({"action": "paid_pending"}, "pending"),
        ({"action": "confirmed_pending"}, "pending"),
        ({"action": "canceled"}, "cancelled"),
        ({"action": "new"}, "open"),
    ],
    ids=str,
)
def test_what_is_no_money_is_thanked_for_and_moves_none(
    changes: dict[str, str], state: str, shop: Shop, fresh_dsn: str
):
    attempt = shop.attempt(shop.desk.open())

    (answer,) = told(shop, fresh_dsn, (attempt, changes))

    assert (answer.status, answer.body) == (200, thanks())
    assert moved(shop.desk) == {"issue": 1}
    assert shop.desk.query("SELECT state FROM attempts") == [(state,)]
    assert shop.desk.attention() == []


def test_the_same_refund_of_another_instant_is_shown_and_stands_once(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    credit = {"action": "credit", "processed": "-20.00", "told_at": "20261121110000"}
    again = {**credit, "told_at": "20261121110500", "crc": "another"}
    other = {**credit, "processed": "10.00", "told_at": "20261121110600"}

    told(shop, fresh_dsn, (attempt, {}), (attempt, credit), (attempt, credit))
    assert [kind for kind, _ in shop.desk.attention()] == ["refunded"]
    told(shop, fresh_dsn, (attempt, again), (attempt, again), (attempt, other))

    assert shop.desk.query(
        "SELECT item, amount_minor FROM facts WHERE move = 'out' ORDER BY item"
    ) == [("credit:RON:1000", 1000), ("credit:RON:2000", 2000)]
    assert [(kind, minor) for kind, *_, minor in shop.desk.postings() if kind == "refund"] == [
        ("refund", 2000),
        ("refund", 1000),
    ]
    shown = shop.desk.query("SELECT subject, detail FROM attention WHERE kind = 'fact_disagrees'")
    assert len(shown) == 1
    assert "told again, or a second time?" in shown[0][1]
    assert shop.desk.differences() == []


def test_a_refund_before_its_payment_waits_and_stands_once(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    credit = {"action": "credit", "processed": "20.00", "told_at": "20261121110000"}

    told(shop, fresh_dsn, (attempt, credit), (attempt, {}), (attempt, credit))

    assert moved(shop.desk)["refund"] == 1
    assert moved(shop.desk)["receive"] == 1
    assert shop.desk.differences() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "NOBODY-1"},
        {"order_id": "'; DROP TABLE invoices --"},
        {"asked": "1.00", "processed": "1.00"},
        {"asked": "605.00", "processed": "605.00"},
        {"currency": "EUR"},
    ],
    ids=str,
)
def test_money_that_the_address_does_not_vouch_for_is_kept_for_nobody(
    changes: dict[str, str], shop: Shop, fresh_dsn: str
):
    attempt = shop.attempt(shop.desk.open())

    (answer,) = told(shop, fresh_dsn, (attempt, changes))

    assert (answer.status, answer.body) == (200, thanks())
    assert moved(shop.desk) == {"issue": 1, "receive": 1}
    kinds = [kind for kind, _ in shop.desk.attention()]
    assert kinds == ["fact_disagrees", "unknown_invoice"]
    assert shop.desk.query("SELECT is_open FROM invoices") == [(True,)]
    assert shop.desk.query("SELECT unidentified_minor > 0 FROM payments") == [(True,)]
    assert shop.desk.query("SELECT state FROM attempts") == [("open",)]
    assert shop.desk.differences() == []


def test_the_address_of_one_order_vouches_for_no_other_order_of_ours(shop: Shop, fresh_dsn: str):
    client = shop.desk.open()
    mine, other = shop.attempt(client), shop.attempt(client)

    (answer,) = told(shop, fresh_dsn, (mine, {"order_id": other.order_id}))

    assert answer.body == thanks()
    assert shop.desk.query("SELECT is_open FROM invoices") == [(True,), (True,)]
    assert shop.desk.query("SELECT unidentified_minor FROM payments") == [(mine.money.minor,)]


def test_without_a_secret_only_what_we_asked_for_is_taken(shop: Shop, fresh_dsn: str):
    shop = Shop(shop.desk, seal.a_mobilpay(has_bare_address=True))
    attempt = shop.attempt(shop.desk.open())
    wrong: Sequence[dict[str, str]] = (
        *({"order_id": name} for name in ("NOBODY-1", "../x", "' OR 1=1--", "", "x" * 300)),
        *({"asked": amount} for amount in ("1.00", "0", "1e3", "121.01")),
        *({"currency": name} for name in ("EUR", "XXX", "")),
        {"told_at": "20200101000000"},
        {"told_at": "never"},
        {"action": "chargeback"},
    )
    visits = [(PATH, seal.body(notice(attempt, **changes)), "POST") for changes in wrong]

    refused = visited(shop, fresh_dsn, *visits)
    assert shop.inbox() == []
    right = (PATH, seal.body(notice(attempt)), "POST")
    thanked = visited(shop, fresh_dsn, right, right)
    shop.settle()

    assert [answer.body for answer in refused] == [FINAL] * len(wrong)
    assert [answer.body for answer in thanked] == [thanks()] * 2
    assert moved(shop.desk) == {"issue": 1, "receive": 1, "allocate": 1}


def test_wrong_addresses_methods_and_forms_are_refused_in_its_own_words(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    body, right = seal.body(notice(attempt)), address(attempt)

    answers = visited(
        shop,
        fresh_dsn,
        (PATH, body, "POST"),
        (PATH, b"", "GET"),
        (right, b"", "GET"),
        (right, body, "PUT"),
        (right, b"env_key=x", "POST"),
        (f"{PATH}/wrong", body, "POST"),
        (f"{right}A", body, "POST"),
        (right, seal.body(notice(attempt), seal.Seal(key="strangers")), "POST"),
        (right, seal.body(notice(attempt, signature="another")), "POST"),
        (f"{right}/more", body, "POST"),
    )

    assert [answer.status for answer in answers] == [200] * 9 + [404]
    assert [answer.body for answer in answers[:9]] == [FINAL] * 5 + [RESEND] * 4
    assert shop.inbox() == []


def test_where_nothing_can_be_kept_it_is_told_to_come_again(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    gone = f"{fresh_dsn}_gone"
    bare = Shop(shop.desk, seal.a_mobilpay(has_bare_address=True))
    body = seal.body(notice(attempt))

    (secret,) = visited(shop, gone, (address(attempt), body, "POST"))
    (claimed,) = visited(bare, gone, (PATH, body, "POST"))

    assert (secret.status, secret.body) == (200, BUSY)
    assert (claimed.status, claimed.body) == (200, BUSY)


def test_while_every_hand_is_busy_it_is_told_to_come_again(
    shop: Shop, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proving, "_PATIENCE_SECONDS", 0.0)
    attempt = shop.attempt(shop.desk.open())

    (answer,) = visited(shop, fresh_dsn, (address(attempt), seal.body(notice(attempt)), "POST"))

    assert answer.body == BUSY
    assert shop.inbox() == []


def test_a_gateway_without_secrets_has_no_address_below_its_own(fresh_dsn: str):
    async def run() -> Answer:
        async with open_door(fresh_dsn, NOWHERE) as door:
            return await knocking.knock(door, b"{}", path="/webhooks/stripe/secret")

    assert uvloop.run(run()).status == 404


def test_half_of_an_amount_is_booked_as_it_was_and_shown(shop: Shop, fresh_dsn: str):
    attempt = shop.attempt(shop.desk.open())
    assert attempt.money == Money("RON", 121_00)

    told(shop, fresh_dsn, (attempt, {"processed": "21.00"}))

    assert shop.desk.query("SELECT paid_minor FROM invoices") == [(21_00,)]
    assert ("fact_disagrees", "payment:1") in shop.desk.attention()
    assert shop.desk.differences() == []


def test_a_giant_is_told_so_in_mobilpays_words_and_hung_up_on(shop: Shop, fresh_dsn: str):
    (answer,) = visited(shop, fresh_dsn, (PATH, b"x" * (MOST_BODY_BYTES + 1), "POST"))

    assert (answer.status, answer.body) == (200, RESEND)
    assert answer.headers[b"connection"] == b"close"


def test_however_many_are_refused_each_hears_mobilpays_words(
    shop: Shop, fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("webhooks.app.MOST_REFUSALS_PER_MINUTE", 3)

    own = address(shop.attempt(shop.desk.open()))
    answers = visited(shop, fresh_dsn, *[(own, b"nothing of theirs", "POST")] * 9)

    assert [(each.status, each.body) for each in answers] == [(200, FINAL)] * 3 + [
        (200, RESEND)
    ] * 6
