"""Money that went back: the books end where the facts end, whatever the order and the batches."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import permutations

import pytest

from domain.attention import AttentionKind
from domain.facts import Fact, FactClass, Move, Status, join
from domain.invoices import Standing
from domain.postings import Posted, PostingKind
from domain.settlement import KnownFact, settle
from domain.trial import Extract
from tests.builders import ZONE, a_fact, a_holding, an_intent, an_invoice, at, ron


def a_refund(amount: str, item: str, status: Status = Status.SUCCEEDED) -> Fact:
    return a_fact(
        ron(amount),
        move=Move.OUT,
        item=item,
        status=status,
        fact_class=FactClass.REFUND,
        meant_for=None,
        happened_at=at("2026-11-22"),
    )


def a_dispute(amount: str, move: Move = Move.OUT) -> Fact:
    return a_fact(
        ron(amount),
        move=move,
        item=f"du_1/{move}",
        fact_class=FactClass.CHARGEBACK,
        meant_for=None,
        happened_at=at("2026-11-23"),
    )


class Books:
    """The fold over books of plain values: what it posts is there when it is asked again."""

    def __init__(self, *invoices: Standing, payments: int = 1) -> None:
        self.invoices = {invoice.id: invoice for invoice in invoices}
        self.payments = {n: a_holding(id_=n) for n in range(1, payments + 1)}
        self.intents = {n: (an_intent(n, min(n, len(invoices))),) for n in self.payments}
        self.facts: dict[int, dict[object, Fact]] = defaultdict(dict)
        self.posted: dict[int, list[Posted]] = defaultdict(list)
        self.attention: list[tuple[AttentionKind, str]] = []
        self._ids = 0

    def tell(self, *told: Fact, payment: int = 1) -> None:
        facts = self.facts[payment]
        for fact in told:
            facts[fact.key] = join(facts[fact.key], fact) if fact.key in facts else fact
        arrived = any(
            f.key.move is Move.IN and f.status is Status.SUCCEEDED for f in facts.values()
        )
        if arrived:
            self._settle(payment)
            self.check()

    def _settle(self, payment: int) -> None:
        known = [KnownFact(n, fact) for n, fact in enumerate(self.facts[payment].values(), 1)]
        sharing = [
            other
            for other in self.payments.values()
            if other.id == payment
            or (other.unapplied_minor and self.intents[other.id] and self._meets(other.id, payment))
        ]
        extract = Extract(sharing, self.intents, self.invoices, self.posted)
        changes = settle(extract, {payment: known}, ZONE)
        for posting in changes.postings:
            assert posting.payment_id is not None
            self._post(posting.payment_id, posting)
        self.payments |= {new.id: new for new in changes.payments}
        self.invoices |= {new.id: new for new in changes.invoices}
        self.attention += [(each.kind, each.subject) for each in changes.attention]

    def _meets(self, one: int, two: int) -> bool:
        return self.intents[one][0].invoice_id == self.intents[two][0].invoice_id

    def _post(self, payment: int, posting) -> None:
        self._ids += 1
        minor = posting.money.minor
        if posting.reverses is not None:
            self.posted[payment] = [
                replace(each, left_minor=each.left_minor - minor * (each.id == posting.reverses))
                for each in self.posted[payment]
            ]
            self.posted[payment] = [each for each in self.posted[payment] if each.left_minor]
            return
        self.posted[payment].append(
            Posted(
                self._ids,
                payment,
                posting.kind,
                posting.source,
                posting.destination,
                posting.invoice_id,
                minor,
            )
        )

    def check(self) -> None:
        """The laws, after every word told."""
        for payment in self.payments.values():
            given = sum(
                each.left_minor
                for each in self.posted[payment.id]
                if each.kind is PostingKind.ALLOCATE
            )
            came = payment.received_minor + payment.lost_minor
            kept = given + payment.unapplied_minor + payment.unidentified_minor
            assert came == kept + payment.returned_minor
            assert min(payment.unapplied_minor, payment.returned_minor, payment.lost_minor) >= 0
        for invoice in self.invoices.values():
            assert 0 <= invoice.paid_minor <= invoice.total_minor

    def end(self) -> object:
        """What does not depend on the order: every payment's totals, every invoice's paid sum."""
        payments = {
            n: (p.received_minor, p.returned_minor, p.lost_minor) for n, p in self.payments.items()
        }
        unapplied = sum(p.unapplied_minor for p in self.payments.values())
        return payments, unapplied, {n: i.paid_minor for n, i in self.invoices.items()}


def test_a_refund_comes_from_unapplied_money_first_then_from_the_invoice():
    books = Books(an_invoice(ron("100")))
    books.tell(a_fact(ron("120")), a_refund("30", "re_1"))

    assert books.payments[1].unapplied_minor == 0
    assert books.invoices[1].paid_minor == 9000
    assert (AttentionKind.REFUNDED, "invoice:1") in books.attention


def test_a_refund_that_failed_is_taken_back_and_the_money_applied_again():
    books = Books(an_invoice(ron("100")))
    books.tell(a_fact(ron("100")), a_refund("40", "re_1"))
    assert books.invoices[1].open_minor == 4000

    books.tell(a_refund("40", "re_1", Status.FAILED))

    assert not books.invoices[1].is_open
    assert books.payments[1].returned_minor == 0


def test_what_goes_back_beyond_what_came_is_a_loss_taken_back_first():
    books = Books(an_invoice(ron("100")))
    books.tell(a_fact(ron("100")), a_refund("100", "re_1"), a_dispute("100"))
    assert books.payments[1].lost_minor == 10000
    assert (AttentionKind.LOSS, "payment:1") in books.attention

    books.tell(a_dispute("100", Move.BACK))

    assert books.payments[1].lost_minor == 0
    assert books.payments[1].returned_minor == 10000


def test_credit_of_another_payment_takes_the_place_of_what_went_back():
    books = Books(an_invoice(ron("100")), payments=2)
    books.intents[2] = (an_intent(2, 1),)
    books.tell(a_fact(ron("100")))
    books.tell(a_fact(ron("60"), reference="pi_2"), payment=2)
    assert books.payments[2].unapplied_minor == 6000

    books.tell(a_refund("100", "re_1"))

    assert books.payments[2].unapplied_minor == 0
    assert books.invoices[1].paid_minor == 6000


def reports() -> Sequence[Fact]:
    return (
        a_fact(ron("100"), status=Status.PENDING),
        a_fact(ron("100"), status=Status.FAILED),
        a_fact(ron("80")),
        a_fact(ron("100")),
        a_refund("10", "re_1"),
        a_refund("20", "re_2"),
        a_refund("30", "re_3"),
        a_refund("20", "re_2", Status.FAILED),
        a_dispute("100"),
        a_dispute("100", Move.BACK),
    )


@pytest.mark.parametrize("subset", [(2, 4, 7, 5), (3, 8, 9, 4), (0, 3, 6, 8, 9), (1, 2, 3, 4, 5)])
def test_every_order_of_reports_ends_in_the_same_books(subset: tuple[int, ...]):
    told = [reports()[number] for number in subset]
    ends = set()

    for order in permutations(told):
        books = Books(an_invoice(ron("90")))
        for fact in order:
            books.tell(fact)
        ends.add(repr(books.end()))

    assert len(ends) == 1


def test_seeded_orders_with_repetition_end_in_the_same_books():
    seeds, told_in_all = 400, 0
    ends: dict[str, set[str]] = defaultdict(set)
    for seed in range(seeds):
        dice = random.Random(seed)
        chosen = dice.sample(reports(), dice.randint(2, 10))
        for _ in range(3):
            told = [*chosen, *dice.choices(chosen, k=4)]
            dice.shuffle(told)
            books = Books(an_invoice(ron("90")))
            for fact in told:
                books.tell(fact)
            told_in_all += len(told)
            ends[f"{seed} {sorted(map(repr, chosen))}"].add(repr(books.end()))

    assert told_in_all > 6000
    assert {len(different) for different in ends.values()} == {1}


def test_three_payments_on_two_invoices_end_in_the_same_order_free_parts():
    rounds = 150
    ends: dict[int, set[str]] = defaultdict(set)
    for seed in range(rounds):
        for shuffle in range(4):
            dice = random.Random(seed)
            told = [
                (payment, replace(fact, key=replace(fact.key, reference=f"pi_{payment}")))
                for payment in (1, 2, 3)
                for fact in dice.sample(reports(), 5)
            ]
            random.Random(shuffle).shuffle(told)
            books = Books(an_invoice(ron("90"), id_=1), an_invoice(ron("150"), id_=2), payments=3)
            for payment, fact in told:
                books.tell(fact, payment=payment)
            ends[seed].add(repr(books.end()))

    assert {len(different) for different in ends.values()} == {1}


def test_the_same_facts_told_at_once_or_one_by_one_are_the_same():
    one_by_one, at_once = Books(an_invoice(ron("90"))), Books(an_invoice(ron("90")))
    for fact in reports():
        one_by_one.tell(fact)

    at_once.tell(*reports())

    assert one_by_one.end() == at_once.end()
    assert reduce(join, [a_fact(ron("80")), a_fact(ron("100"))]).money == ron("100")
