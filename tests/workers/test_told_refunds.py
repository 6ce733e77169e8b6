"""What a person says of refunds that nobody else tells of: booked once, by his word."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from domain.errors import Refused
from ledger.books import refunding
from ledger.inbox import replaying
from ledger.settlement import telling
from ledger.settlement.telling import Returned
from runtime import wiring
from tests.desk import WORD, Desk
from tests.netopia_server import Account
from tests.workers import test_netopia_refunds
from tests.workers.netopia import Post, notice
from tests.workers.test_netopia_refunds import NTP, ORDER, give_back, gone, send, told

account, post, payment = (
    test_netopia_refunds.account,
    test_netopia_refunds.post,
    test_netopia_refunds.payment,
)


@pytest.fixture
def lost(post: Post, account: Account, payment: int) -> int:
    """A refund over 21 lei of which nobody knows whether it went."""
    begun = give_back(post, payment, "21.00")
    account.troubles = ["lost"]
    send(post)
    assert told(post, begun).state == "unknown"
    return begun.id


@pytest.fixture
def panel(post: Post, payment: int) -> int:
    """The event that tells of a refund by NETOPIA's panel, and of no amount."""
    post.bring(notice(ORDER, 8, NTP))
    assert post.desk.attention() == [("refund_untold", "event:2")]
    return 2


def went(post: Post, refund: int) -> str:
    """The state it is in then, or why it was refused."""
    nameless = wiring.without_names(post.gateways)
    try:
        return post.desk.store.act(lambda books: telling.went(books, refund, WORD, nameless)).state
    except Refused as refusal:
        return refusal.code


def returned(post: Post, payment: int, amount: str, event: int = 2) -> str | None:
    said = Returned(Decimal(amount), event)
    try:
        post.desk.store.act(lambda books: telling.returned(books, payment, said, WORD))
    except Refused as refusal:
        return refusal.code
    return None


def acts(desk: Desk) -> list[tuple[str, str, str]]:
    return desk.query("SELECT actor, act, reason FROM journal WHERE act = 'refund_told'")


def test_a_lost_refund_that_went_is_booked_by_a_persons_word(post: Post, desk: Desk, lost: int):
    said = [went(post, lost) for _ in range(2)]
    post.bring(notice(ORDER, 8, NTP))

    assert said == ["done", "not_unknown"]
    assert gone(desk) == [(2_100, 0)]
    assert desk.attention() == [("refunded", "invoice:1")]
    assert acts(desk) == [("test", "refund_told", "a person said so")]
    ((before, after),) = desk.query("SELECT before, after FROM journal WHERE act = 'refund_told'")
    assert (before["state"], after["state"]) == ("unknown", "done")
    assert desk.query("SELECT source, event_id, state FROM inbox WHERE source = 'word'") == [
        ("word", f"word:refund:{lost}", "done")
    ]
    assert desk.differences() == []


def test_a_lost_refund_that_did_not_go_is_free_again(post: Post, desk: Desk, lost: int):
    desk.store.act(lambda books: refunding.end(books, lost, WORD))

    assert went(post, lost) == "not_unknown"
    assert gone(desk) == [(0, 0)]
    assert desk.attention() == []
    assert desk.differences() == []


def test_of_those_who_say_that_it_went_and_that_it_did_not_one_is_heard(
    post: Post, desk: Desk, lost: int
):
    def end() -> str:
        try:
            desk.store.act(lambda books: refunding.end(books, lost, WORD))
        except Refused as refusal:
            return refusal.code
        return "free"

    words = [lambda: went(post, lost), end] * 4
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda say: say(), words))

    assert sum(each in ("done", "free") for each in said) == 1
    assert gone(desk) == [(2_100, 0) if "done" in said else (0, 0)]
    assert desk.differences() == []


def test_a_gateway_that_names_its_refunds_tells_of_them_itself(post: Post, desk: Desk, lost: int):
    with pytest.raises(Refused, match="by itself") as refusal:
        desk.store.act(lambda books: telling.went(books, lost, WORD, frozenset()))

    assert refusal.value.code == "unsupported"
    assert gone(desk) == [(0, 2_100)]


def test_what_the_panel_gave_back_is_booked_once_by_a_persons_word(
    post: Post, desk: Desk, payment: int, panel: int
):
    said = [returned(post, payment, amount) for amount in ("21.00", "21.00", "22.00")]
    post.bring(notice(ORDER, 8, NTP))

    assert said == [None, None, "told_already"]
    assert gone(desk) == [(2_100, 0)]
    assert desk.attention() == [("refunded", "invoice:1")]
    assert acts(desk) == [("test", "refund_told", "a person said so")]
    assert [kind for kind, *_ in desk.postings()].count("refund") == 1
    assert desk.differences() == []


def test_two_refunds_of_the_panel_are_two_words(post: Post, desk: Desk, payment: int, panel: int):
    post.bring(notice(ORDER, 8, NTP, operationDate="2026-11-21T10:00:00Z"))

    said = [returned(post, payment, "21.00", event) for event in (2, 3)]

    assert said == [None, None]
    assert gone(desk) == [(4_200, 0)]
    assert desk.attention() == [("refunded", "invoice:1")]
    assert desk.differences() == []


def test_many_who_say_the_same_at_once_book_it_once(
    post: Post, desk: Desk, payment: int, panel: int
):
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: returned(post, payment, "121.00"), range(16)))

    assert said == [None] * 16
    assert gone(desk) == [(12_100, 0)]
    assert len(acts(desk)) == 1
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("amount", "event", "code"),
    [
        ("121.01", 2, "beyond_refundable"),
        ("0.00", 2, "beyond_refundable"),
        ("21.00", 1, "unknown_event"),
        ("21.00", 99, "unknown_event"),
        ("1.001", 2, "malformed_amount"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    post: Post, desk: Desk, payment: int, panel: int, amount: str, event: int, code: str
):
    before = desk.postings()

    assert returned(post, payment, amount, event) == code

    assert (desk.postings(), gone(desk)) == (before, [(0, 0)])
    assert desk.attention() == [("refund_untold", "event:2")]
    assert desk.query("SELECT count(*) FROM inbox WHERE source = 'word'") == [(0,)]


def test_an_event_speaks_of_its_own_payment_alone(post: Post, desk: Desk, payment: int, panel: int):
    post.bring(notice("INV-9999-1", ntp_id="1500002"))
    (other,) = (each.id for each in desk.payments() if each.id != payment)

    assert returned(post, other, "21.00") == "unknown_event"
    with pytest.raises(Refused, match="no such payment"):
        desk.store.act(lambda books: telling.returned(books, 99, Returned(Decimal(1), 2), WORD))


def test_a_persons_word_is_not_put_back(post: Post, desk: Desk, payment: int, panel: int):
    returned(post, payment, "21.00")
    (word,) = (id_ for (id_,) in desk.query("SELECT id FROM inbox WHERE source = 'word'"))

    with desk.store.transaction() as books:
        back = replaying.put_back(books, [1, 2, word], "ana", "once more")
    post.work()

    assert [row.id for row in back] == [1, 2]
    assert gone(desk) == [(2_100, 0)]
    assert desk.differences() == []
