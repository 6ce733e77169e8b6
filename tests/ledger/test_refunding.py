"""What is promised back is neither applied, nor moved, nor promised once more."""

from decimal import Decimal

import pytest

from domain.errors import Refused
from domain.facts import FactClass, Move, Status
from ledger.books import refunding
from ledger.books.acting import Word
from ledger.books.refunding import Asked, RefundRow
from ledger.settlement import refunds
from ledger.settlement.refunds import Sent
from ledger.store import Books, Store
from runtime import clock
from tests.builders import TODAY, ZONE, a_report, at, ron
from tests.desk import WORD, Desk
from tests.ledger.meeting import meet
from tests.ledger.test_linking import at_once, pay, refund

ABLE = frozenset({("stripe", "own/test")})
LATER = at("2027-06-01")


def begun(
    desk: Desk, payment: int, amount: str | None = None, *, only_unapplied: bool = False
) -> RefundRow:
    asked = Asked(ABLE, Decimal(amount) if amount else None, only_unapplied)
    return desk.store.act(lambda books: refunding.begin(books, payment, WORD, clock.now(), asked))


def sent(desk: Desk, item: str = "re_1") -> None:
    """The gateway has taken the next refund up."""
    with desk.store.transaction() as books:
        claimed = refunds.claim(books, LATER)
        assert claimed is not None
        assert refunds.sent(books, claimed, Sent(item, "pi_1")) == []


def end(desk: Desk, refund_id: int) -> None:
    desk.store.act(lambda books: refunding.end(books, refund_id, WORD))


def state(desk: Desk, refund_id: int) -> str:
    with desk.store.transaction() as books:
        return refunding.get(books, refund_id).state


def reserved(desk: Desk) -> list[int]:
    return [row[0] for row in desk.query("SELECT reserved_minor FROM payments ORDER BY id")]


def test_credit_that_is_promised_back_pays_nothing(desk: Desk):
    client = desk.open()
    paid = desk.invoice(client)
    payment = pay(desk, "150.00", paid.number)
    begun(desk, payment, only_unapplied=True)
    other = desk.invoice(client)

    with pytest.raises(Refused, match="no unapplied credit"):
        desk.link(payment, other.id)

    assert desk.standing(other.id).paid_minor == 0
    assert desk.attention() == []
    assert desk.differences() == []


def test_money_that_is_promised_back_stays_where_it_is_applied(desk: Desk):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "121.00", invoice.number)
    begun(desk, payment, "1.00")

    with pytest.raises(Refused, match="refund of this money is under way"):
        desk.unlink(payment, invoice.id)

    assert desk.standing(invoice.id).paid_minor == 12_100
    assert desk.differences() == []


def test_what_a_void_frees_is_promised_all_the_same(desk: Desk):
    client = desk.open()
    invoice, draft = desk.invoice(client), desk.draft(client)
    payment = pay(desk, "121.00", invoice.number)
    promised = begun(desk, payment)
    desk.void(invoice.id)
    desk.query(f"INSERT INTO intents VALUES ({payment}, 1, {draft}, NULL) RETURNING 1")
    issued = desk.issue(draft)

    assert issued.paid_minor == 0
    assert desk.differences() == []
    end(desk, promised.id)
    assert desk.standing(draft).paid_minor == 12_100
    assert reserved(desk) == [0]
    assert desk.differences() == []


def test_the_fact_ends_the_refund_and_the_rest_stays_free(desk: Desk):
    invoice = desk.invoice(desk.open())
    payment = pay(desk, "150.00", invoice.number)
    first, second = begun(desk, payment, "20.00"), begun(desk, payment, "5.00")
    sent(desk)
    promised = reserved(desk)

    refund(desk, "20.00")

    assert promised == [2_500]
    assert (state(desk, first.id), state(desk, second.id)) == ("done", "open")
    assert reserved(desk) == [500]
    assert desk.standing(invoice.id).paid_minor == 12_100
    assert desk.differences() == []


def test_a_fact_that_comes_before_the_answer_ends_it_with_the_next_word(desk: Desk):
    payment = pay(desk, "121.00", desk.invoice(desk.open()).number)
    promised = begun(desk, payment, "20.00")
    refund(desk, "20.00")
    before = state(desk, promised.id)
    sent(desk)
    asked = desk.query("SELECT subject, state FROM outbox WHERE effect = 'lookup'")

    refund(desk, "20.00")

    assert before == "open"
    assert asked == [("name:pi_1", "waiting")]
    assert (state(desk, promised.id), reserved(desk)) == ("done", [0])
    assert desk.differences() == []


def test_a_refund_that_fails_pays_again_what_it_was_taken_from(desk: Desk):
    client = desk.open()
    invoice = desk.invoice(client)
    payment = pay(desk, "150.00", invoice.number)
    promised = begun(desk, payment)
    sent(desk)
    told = a_report(
        ron("150.00"),
        reference="pi_1",
        move=Move.OUT,
        item="re_1",
        status=Status.FAILED,
        fact_class=FactClass.REFUND,
        meant_for=None,
    )
    desk.deliver([told])
    desk.settle()

    assert (state(desk, promised.id), reserved(desk)) == ("failed", [0])
    assert desk.standing(invoice.id).paid_minor == 12_100
    assert desk.attention() == [
        ("overpaid", f"payment:{payment}"),
        ("refund_failed", f"refund:{promised.id}"),
    ]
    assert desk.differences() == []


def test_a_person_ends_what_was_never_sent_and_nothing_else(desk: Desk):
    payment = pay(desk, "121.00", desk.invoice(desk.open()).number)
    never, taken = begun(desk, payment, "1.00"), begun(desk, payment, "2.00")
    end(desk, never.id)
    with desk.store.transaction() as books:
        claimed = refunds.claim(books, LATER)
    assert claimed is not None

    with pytest.raises(Refused, match="being asked just now"):
        end(desk, taken.id)
    with desk.store.transaction() as books:
        refunds.sent(books, claimed, Sent("re_1", "pi_1"))
    with pytest.raises(Refused, match="taken this refund up"):
        end(desk, taken.id)
    with pytest.raises(Refused, match="ended already"):
        end(desk, never.id)

    assert claimed.id == taken.id
    assert (state(desk, never.id), reserved(desk)) == ("failed", [200])
    assert desk.query("SELECT key, state FROM outbox WHERE effect = 'refund' ORDER BY id") == [
        (f"refund:{never.id}", "cancelled"),
        (f"refund:{taken.id}", "done"),
    ]
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"amount": Decimal("0.00")}, "above zero"),
        ({"amount": Decimal("121.01")}, r"at most .*121\.00"),
        ({"amount": Decimal("1.005")}, "more digits"),
        ({"only_unapplied": True}, "nothing of this payment is left"),
        ({"able": ()}, "own panel"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    desk: Desk, said: dict[str, object], match: str
):
    payment = pay(desk, "121.00", desk.invoice(desk.open()).number)
    asked = Asked(**({"able": ABLE} | said))  # type: ignore[arg-type]

    with pytest.raises(Refused, match=match):
        desk.store.act(lambda books: refunding.begin(books, payment, WORD, clock.now(), asked))

    assert desk.query("SELECT count(*) FROM refunds") == [(0,)]
    assert reserved(desk) == [0]


def test_a_refund_has_a_reason_and_a_payment(desk: Desk):
    payment = pay(desk, "121.00", desk.invoice(desk.open()).number)
    silent = Word("test", None, TODAY, ZONE)

    def begin(books: Books, id_: int, word: Word) -> RefundRow:
        return refunding.begin(books, id_, word, clock.now(), Asked(ABLE))

    with pytest.raises(Refused, match="say which"):
        desk.store.act(lambda books: begin(books, payment, silent))
    with pytest.raises(Refused, match="no such payment"):
        desk.store.act(lambda books: begin(books, 99, WORD))


def test_a_refund_and_a_link_of_the_same_credit_are_not_both_done(desk: Desk):
    for number in range(6):
        client = desk.open() if not number else desk.client()
        payment = pay(desk, "50.00", None, f"pi_{number}")
        desk.assign(payment, client)
        other = desk.invoice(client)

        said = at_once(
            lambda payment=payment: begun(desk, payment, only_unapplied=True).id,  # type: ignore[misc]
            lambda payment=payment, other=other: desk.link(payment, other.id),  # type: ignore[misc]
        )

        assert len({"nothing_to_refund", "no_credit"} & set(said)) == 1, said
    assert desk.differences() == []


def test_two_who_promise_the_same_money_wait_for_each_other(desk: Desk, store: Store):
    payment = pay(desk, "121.00", desk.invoice(desk.open()).number)

    def begin(books: Books) -> str:
        try:
            refunding.begin(books, payment, WORD, clock.now(), Asked(ABLE, Decimal("100")))
        except Refused as refusal:
            return refusal.code
        return "begun"

    second, waited = meet(store, begin, begin)

    assert (second, waited) == ("beyond_refundable", True)
    assert reserved(desk) == [10_000]
    assert desk.differences() == []
