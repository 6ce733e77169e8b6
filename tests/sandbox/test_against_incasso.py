"""Two readings of the same papers: what Incasso makes of the sandbox, and the sandbox's ledger."""

from collections import defaultdict
from decimal import Decimal

from domain.facts import Fact, Move, Report, Status
from domain.money import decimal_text
from gateways.port import Delivery
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from sandbox import clock
from sandbox.ledger import Row
from tests.sandbox.customers import SECRETS, AtStripe
from tests.sandbox.listening import Listener

Key = tuple[str, str, str]


def test_incasso_reads_every_delivery_and_knows_the_money_of_stripes_ledger(
    at_stripe: AtStripe, listener: Listener
) -> None:
    api = StripeApi("sk_test_sandbox", f"{at_stripe.sandbox.url}/stripe")
    stripe = Stripe("own", SECRETS, is_live=False, api=api)
    intents = _a_story(at_stripe)

    told = [fact for taken in listener.taken for fact in _told(stripe, taken.headers, taken.body)]
    asked = [fact for intent in intents for fact in _facts(stripe.read(stripe.lookup(intent)))]

    rows = at_stripe.sandbox.rows("stripe")
    assert len(rows) >= 14
    assert _sums(asked) == _ledger(rows)
    assert _without_fees(_sums(told)) == _without_fees(_ledger(rows))


def _a_story(at_stripe: AtStripe) -> list[str]:
    """Payments with everything that can become of them; their payment intents."""
    at_stripe.paid(reference="INV-1")
    partly, failed = at_stripe.paid(reference="INV-2"), at_stripe.paid(reference="INV-3")
    won, lost = at_stripe.paid(reference="INV-4"), at_stripe.paid(reference="INV-5")
    at_stripe.api.refunds.create({"payment_intent": partly.id, "amount": 2_000})
    at_stripe.api.refunds.create({"payment_intent": partly.id, "amount": 1})
    refund = at_stripe.api.refunds.create({"payment_intent": failed.id})
    at_stripe.panel(refund.id, "fail")
    for intent, end in ((won, "win"), (lost, "lose")):
        at_stripe.panel(intent.latest_charge.id, "dispute", "30.00")
        (dispute,) = at_stripe.api.disputes.list({"payment_intent": intent.id}).data
        at_stripe.panel(dispute.id, "withdraw")
        at_stripe.panel(dispute.id, end)
    waiting = at_stripe.session(reference="INV-6")
    at_stripe.press(waiting, "leave-pending")
    declined = at_stripe.session(reference="INV-7")
    at_stripe.press(declined, "decline")
    at_stripe.sandbox.settle()
    return at_stripe.sandbox.ask(lambda world: list(world.stripe.objects["payment_intent"]))


def _told(stripe: Stripe, headers: dict[str, str], body: bytes) -> list[Fact]:
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    delivery = Delivery(raw, body)
    stripe.authenticate(delivery, {}, clock.now())
    return _facts(stripe.read(body))


def _facts(reading: object) -> list[Fact]:
    told = reading if isinstance(reading, tuple) else ()
    return [each.fact for each in told if isinstance(each, Report)]


def _sums(facts: list[Fact]) -> dict[Key, Decimal]:
    """What moved by each payment; of several reports of one move the last word counts."""
    known = {fact.key: fact for fact in facts if fact.status is Status.SUCCEEDED}
    for fact in facts:
        if fact.key.move is Move.OUT and fact.status is Status.FAILED:
            known.pop(fact.key, None)
    sums: dict[Key, Decimal] = defaultdict(Decimal)
    for key, fact in known.items():
        sums[key.reference, fact.money.currency, _side(key.move)] += _sign(key.move) * Decimal(
            decimal_text(fact.money)
        )
    return dict(sums)


def _ledger(rows: tuple[Row, ...]) -> dict[Key, Decimal]:
    sums: dict[Key, Decimal] = defaultdict(Decimal)
    for row in rows:
        move = Move(row.move)
        sums[row.reference, row.currency, _side(move)] += _sign(move) * row.amount
    return dict(sums)


def _without_fees(sums: dict[Key, Decimal]) -> dict[Key, Decimal]:
    return {key: amount for key, amount in sums.items() if key[2] == "money"}


def _side(move: Move) -> str:
    return "fees" if move in (Move.FEE, Move.REBATE) else "money"


def _sign(move: Move) -> int:
    return -1 if move in (Move.OUT, Move.REBATE) else 1
