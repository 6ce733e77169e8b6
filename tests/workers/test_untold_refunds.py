"""Notices of NETOPIA's that something went back: each is one refund of ours, or a question."""

from decimal import Decimal

import pytest

from ledger.books import refunding
from ledger.inbox import replaying
from tests.desk import WORD, Desk
from tests.netopia_server import Account
from tests.workers import test_netopia_refunds, test_told_refunds
from tests.workers.netopia import Post, notice
from tests.workers.test_netopia_refunds import NTP, ORDER, give_back, gone, send, told
from tests.workers.test_told_refunds import returned, went

account, post, payment = (
    test_netopia_refunds.account,
    test_netopia_refunds.post,
    test_netopia_refunds.payment,
)
lost = test_told_refunds.lost


def went_back(hour: int, status: int = 8) -> bytes:
    """The notice of a refund at this hour."""
    return notice(ORDER, status, NTP, operationDate=f"2026-11-21T{hour:02}:00:00Z")


def questions(desk: Desk) -> list[int]:
    """The events of which a person is asked how much went back."""
    return [int(subject[6:]) for kind, subject in desk.attention() if kind == "refund_untold"]


def replay(post: Post) -> None:
    rows = post.desk.query("SELECT id FROM inbox WHERE source <> 'word' ORDER BY id")
    with post.desk.store.transaction() as books:
        assert len(replaying.put_back(books, [id_ for (id_,) in rows], "ana", "again")) >= 2
    post.work()


@pytest.mark.parametrize("ours", [1, 2])
def test_a_notice_more_than_refunds_of_ours_asks_a_person(
    post: Post, desk: Desk, payment: int, ours: int
):
    for _ in range(ours):
        give_back(post, payment, "21.00")
    send(post)
    post.bring(*(went_back(hour) for hour in range(ours)), resent(went_back(0)))
    quiet = questions(desk)

    post.bring(went_back(20))
    asked = desk.attention()
    replay(post)

    assert (quiet, len(questions(desk))) == ([], 1)
    assert desk.attention() == asked
    assert gone(desk) == [(2_100 * ours, 0)]
    assert desk.differences() == []


def resent(body: bytes) -> bytes:
    """The same notice in other bytes."""
    return body.replace(b"{", b"{ ", 1)


def test_a_replay_days_later_asks_nothing_that_was_not_asked(post: Post, desk: Desk, payment: int):
    give_back(post, payment, "21.00")
    send(post)
    post.bring(went_back(10))
    before = desk.attention()
    with desk.store.transaction() as books:
        for table, instants in (
            ("refunds", ("created_at", "closed_at")),
            ("inbox", ("received_at",)),
        ):
            back = ", ".join(f"{each} = {each} - interval '3 days'" for each in instants)
            books.run(f"UPDATE {table} SET {back}")

    replay(post)

    assert desk.attention() == before == [("refunded", "invoice:1")]


def test_a_question_outlives_the_refund_that_did_not_go(post: Post, desk: Desk, lost: int):
    post.bring(went_back(10))
    desk.store.act(lambda books: refunding.end(books, lost, WORD))

    assert len(questions(desk)) == 1
    assert returned(post, 1, "50.00", questions(desk)[0]) is None
    assert gone(desk) == [(5_000, 0)]
    assert desk.attention() == [("refunded", "invoice:1")]
    assert desk.differences() == []


def test_a_refund_that_went_answers_one_question(post: Post, desk: Desk, lost: int):
    post.bring(went_back(10), went_back(11))
    first, second = questions(desk)

    assert went(post, lost) == "done"
    left = questions(desk)
    replay(post)

    assert (left, questions(desk)) == ([second], [second])
    assert desk.query("SELECT subject, how FROM attention WHERE how LIKE 'refund:%'") == [
        (f"event:{first}", f"refund:{lost}")
    ]
    assert gone(desk) == [(2_100, 0)]
    assert desk.differences() == []


def test_the_panel_is_asked_about_where_it_was_faster_than_a_refund_of_ours(
    post: Post, desk: Desk, account: Account, payment: int
):
    begun = give_back(post, payment)
    account.credits[NTP] = [Decimal(121)]
    post.bring(went_back(10))
    send(post)

    assert (told(post, begun).state, len(questions(desk))) == ("failed", 1)
    assert returned(post, payment, "121.00", questions(desk)[0]) is None
    assert gone(desk) == [(12_100, 0)]
    assert desk.differences() == []


def test_what_was_answered_is_not_asked_again(post: Post, desk: Desk, payment: int):
    post.bring(went_back(10))
    returned(post, payment, "21.00", questions(desk)[0])

    replay(post)

    assert questions(desk) == []
    assert gone(desk) == [(2_100, 0)]
