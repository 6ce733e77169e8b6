"""Two readings of the same papers: what Incasso makes of the sandbox, and the sandbox's ledger."""

from collections import defaultdict
from decimal import Decimal

import httpx

from domain.facts import Fact, Move, Report, Status
from domain.money import decimal_text
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.port import Delivery, Gateway
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from sandbox import clock
from sandbox.ledger import Row
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from tests.sandbox.listening import Listener, Taken

Key = tuple[str, str, str]


def test_incasso_reads_every_delivery_and_knows_the_money_of_stripes_ledger(
    at_stripe: AtStripe, listener: Listener
) -> None:
    api = StripeApi("sk_test_sandbox", f"{at_stripe.sandbox.url}/stripe")
    stripe = Stripe("own", SECRETS, is_live=False, api=api)
    intents = _a_story(at_stripe)

    told = [fact for taken in listener.taken for fact in _told(stripe, taken, {})]
    asked = [fact for intent in intents for fact in _facts(stripe.read(stripe.lookup(intent)))]

    rows = at_stripe.sandbox.rows("stripe")
    assert len(rows) >= 14
    assert _sums(asked) == _ledger(rows)
    assert _without_fees(_sums(told)) == _without_fees(_ledger(rows))


def test_incasso_trusts_every_delivery_and_knows_the_money_of_paypals_ledger(
    at_paypal: AtPaypal, listener: Listener, browser: httpx.Client
) -> None:
    url = at_paypal.sandbox.url
    authority = browser.get(f"{url}/control/authority.pem").text
    certificates = Certificates(is_live=False, hosts=(url,), roots=authority)
    api = PayPalApi(f"{url}/paypal", "sandbox-client", "sandbox-secret")
    paypal = PayPal("SANDBOXMERCH1", "5AN0B0X000000WH1D", certificates, is_live=False, api=api)
    captures = _a_paypal_story(at_paypal)
    address = listener.taken[0].headers["paypal-cert-url"]
    keys = {address: browser.get(address).content}

    told = [fact for taken in listener.taken for fact in _told(paypal, taken, keys)]
    asked = [fact for id_ in captures for fact in _facts(paypal.read(paypal.lookup(id_)))]
    vars(api)["_client"].close()

    rows = at_paypal.sandbox.rows("paypal")
    assert len(listener.taken) >= 30
    assert len(rows) >= 20
    assert not told, "what PayPal signs does not bind its body: it is only a hint"
    assert _sums(asked) == _ledger(rows)


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


def _a_paypal_story(at_paypal: AtPaypal) -> list[str]:
    """Captures with everything that can become of them; their ids."""
    kept, partly = at_paypal.captured(reference="INV-1"), at_paypal.captured(reference="INV-2")
    taken, whole = at_paypal.captured(reference="INV-3"), at_paypal.captured(reference="INV-8")
    won, lost = at_paypal.captured(reference="INV-4"), at_paypal.captured(reference="INV-5")
    for value in ("5.00", "0.01"):
        at_paypal.refund(partly["id"], amount={"currency_code": "EUR", "value": value})
    at_paypal.refund(whole["id"])
    at_paypal.panel(taken["id"], "reverse", "15.20")
    for capture, end in ((won, "win"), (lost, "lose")):
        at_paypal.panel(capture["id"], "dispute", "15.20")
        dispute = at_paypal.sandbox.ask(lambda world: list(world.paypal.disputes)[-1])
        at_paypal.panel(dispute, "withdraw")
        at_paypal.panel(dispute, end)
    waiting = at_paypal.captured("leave-pending", reference="INV-6")
    declined = at_paypal.captured("decline-capture", reference="INV-7")
    at_paypal.sandbox.settle()
    captures = (kept, partly, taken, whole, won, lost, waiting, declined)
    return [capture["id"] for capture in captures]


def _told(gateway: Gateway, taken: Taken, keys: dict[str, bytes]) -> list[Fact]:
    raw = tuple((name.encode(), value.encode()) for name, value in taken.headers.items())
    gateway.authenticate(Delivery(raw, taken.body), keys, clock.now())
    return _facts(gateway.read(taken.body))


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
