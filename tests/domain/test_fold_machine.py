"""Reports and people's acts in any mixture: the laws hold after each, no cent is lost or made."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain import linking, reductions, returns
from domain.allocation import assign
from domain.errors import Refused
from domain.invoices import InvoiceState
from domain.postings import PostingKind
from domain.trial import Trial
from tests.builders import TODAY, an_invoice, ron
from tests.domain.telling import CAPTURED_MINOR, REPORTS, moved, reports
from tests.plain_books import Page, a_page, act, check, tell

INVOICES = (
    an_invoice(ron("90"), id_=1),
    an_invoice(ron("150"), id_=2),
    an_invoice(ron("60"), id_=3, state=InvoiceState.DRAFT),
    an_invoice(ron("70"), id_=4, client_id=2),
)
TOLD = {payment: reports(payment, f"INV-000{payment}") for payment in (1, 2, 3)}

payments = st.sampled_from(sorted(TOLD))
invoices = st.sampled_from([invoice.id for invoice in INVOICES])
amounts = st.integers(1, 9000)


class FoldMachine(RuleBasedStateMachine):
    """The model is what the gateway told, by payment; what people did only moves credit about."""

    happened: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.page: Page = a_page(*INVOICES, payments=len(TOLD))
        self.told: dict[int, set[str]] = {payment: set() for payment in TOLD}

    @rule(payment=payments, names=st.lists(st.sampled_from(REPORTS), min_size=1, max_size=4))
    def deliver(self, payment: int, names: Sequence[str]) -> None:
        self.told[payment] |= set(names)
        for name in names:
            self.happened[name] += 1
        self._be(tell(self.page, *(TOLD[payment][name] for name in names), payment=payment))

    @rule(payment=payments, name=st.sampled_from(sorted(CAPTURED_MINOR)))
    def money_comes(self, payment: int, name: str) -> None:
        self.deliver(payment, [name])

    @rule(payment=payments)
    def deliver_all_again(self, payment: int) -> None:
        again = self.page
        for name in sorted(self.told[payment]):
            again = tell(again, TOLD[payment][name], payment=payment)
            self.happened["again"] += 1
        assert again == self.page

    @rule(payment=payments, invoice=invoices, amount=st.none() | amounts)
    def link(self, payment: int, invoice: int, amount: int | None) -> None:
        def deed(trial: Trial) -> None:
            linking.link(trial, payment, invoice, amount, TODAY)
            _say(trial, payment)

        self._act("link", deed)

    @rule(invoice=invoices, number=st.integers(0, 5))
    def link_credit(self, invoice: int, number: int) -> None:
        """As `link`, of a payment that has something left."""
        rich = [p.id for p in self.page.payments if p.unapplied_minor + p.unidentified_minor]
        if rich:
            self.link(rich[number % len(rich)], invoice, None)

    @rule(payment=payments, invoice=invoices)
    def unlink(self, payment: int, invoice: int) -> None:
        def deed(trial: Trial) -> None:
            if invoice not in linking.linked_to(trial, payment):
                raise Refused("not_linked", "there is nothing to unlink")
            linking.unlink(trial, payment, invoice, TODAY)
            _say(trial, payment)

        self._act("unlink", deed)

    @rule(number=st.integers(0, 11))
    def unlink_what_is_linked(self, number: int) -> None:
        linked = [
            (each.payment_id, each.invoice_id) for meant in self.page.intents for each in meant
        ]
        if linked:
            self.unlink(*linked[number % len(linked)])

    @rule(payment=payments, client=st.sampled_from([1, 2]))
    def assign(self, payment: int, client: int) -> None:
        def deed(trial: Trial) -> None:
            held = trial.holdings[payment]
            if held.client_id is not None or not held.received_minor:
                raise Refused("already_assigned", "it has a client, or there is no such payment")
            trial.post(assign(held, client, TODAY))
            trial.post(returns.own_losses(held, trial.posted(payment), client, TODAY))
            trial.give(payment, client)

        self._act("assign", deed)

    @rule(number=st.integers(0, 5), client=st.sampled_from([1, 2]))
    def assign_what_is_nobodys(self, number: int, client: int) -> None:
        """As `assign`, of a payment that waits for its client."""
        nobodys = [payment.id for payment in self.page.payments if payment.unidentified_minor]
        if nobodys:
            self.assign(nobodys[number % len(nobodys)], client)

    @rule(invoice=invoices)
    def void(self, invoice: int) -> None:
        self._act("void", lambda trial: reductions.void(trial, invoice, TODAY))

    @rule(
        invoice=invoices,
        kind=st.sampled_from([PostingKind.CREDIT_NOTE, PostingKind.WRITE_OFF]),
        amount=st.none() | amounts,
    )
    def reduce(self, invoice: int, kind: reductions.ReductionKind, amount: int | None) -> None:
        self._act(kind.value, lambda trial: reductions.reduce(trial, invoice, kind, amount, TODAY))

    @rule()
    def issue(self) -> None:
        """The draft; money that is meant for it is applied by its issue."""
        if self.page.invoice(3).state is InvoiceState.DRAFT:
            issued = self.page.invoice(3)._replace(state=InvoiceState.ISSUED)
            standings = (*self.page.invoices[:2], issued, *self.page.invoices[3:])
            self.page = replace(self.page, invoices=standings)
            self._act("issue", _apply_all)

    @invariant()
    def the_laws_hold(self) -> None:
        check(self.page)

    @invariant()
    def what_moved_is_what_was_told(self) -> None:
        for payment, told in self.told.items():
            held, true = self.page.payment(payment), moved(told)
            assert (held.received_minor, held.returned_minor, held.lost_minor) == (
                *(true.received_minor, true.returned_minor),
                true.lost_minor,
            )

    @invariant()
    def what_was_kept_is_applied_or_credit(self) -> None:
        kept_minor = sum(moved(told).kept_minor for told in self.told.values())
        paid_minor = sum(invoice.paid_minor for invoice in self.page.invoices)
        credit_minor = sum(p.unapplied_minor + p.unidentified_minor for p in self.page.payments)
        assert kept_minor == paid_minor + credit_minor

    def _act(self, name: str, deed: Callable[[Trial], object]) -> None:
        """A refused act changes nothing."""
        try:
            page = act(self.page, deed)
        except Refused:
            self.happened["refused"] += 1
            return
        self.happened[name] += 1
        self._be(page)

    def _be(self, page: Page) -> None:
        lost_minor = sum(payment.lost_minor for payment in page.payments)
        self.happened["loss"] += lost_minor > sum(p.lost_minor for p in self.page.payments)
        self.page = page


def test_reports_and_acts_in_any_mixture_keep_the_laws_and_every_cent():
    FoldMachine.happened.clear()
    run_state_machine_as_test(
        FoldMachine,
        settings=settings(
            max_examples=200,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,  # the floors below hold or do not, whatever the day
            suppress_health_check=list(HealthCheck),
        ),
    )

    happened = FoldMachine.happened
    print(dict(happened))  # noqa: T201
    acts = ("link", "unlink", "void", "credit_note", "write_off", "issue")
    assert min(happened[name] for name in REPORTS) > 30, happened
    assert min(happened[name] for name in acts) > 10, happened
    assert min(happened["again"], happened["refused"]) > 100, happened
    assert min(happened["loss"], happened["assign"]) > 10, happened


def _say(trial: Trial, payment: int) -> None:
    """From now on a person's word counts, and what reports name does not."""
    trial.holdings[payment] = trial.holdings[payment]._replace(is_meaning_said=True)


def _apply_all(trial: Trial) -> None:
    for payment in sorted(trial.holdings):
        trial.apply(payment, TODAY)
