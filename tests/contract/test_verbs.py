"""A verb that the table names works at the far side; any other is refused, and calls nobody."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Refused, TryLater
from domain.facts import Report
from domain.money import Money
from gateways.capabilities import Verb
from gateways.paypal import PayPal
from gateways.paypal_certificates import Certificates
from gateways.port import Gateway, Order, Repayment
from gateways.stripe import Stripe
from ledger.store import Store
from runtime import clock
from tests.contract.far_side import Act, Asked, Moved
from tests.contract.shops import Shop
from tests.gateways.test_netopia_api import a_netopia
from tests.mobilpay_seal import a_mobilpay
from tests.workers.test_events import settle_all
from workers import backfills


def call(gateway: Gateway, verb: Verb, name: str) -> None:
    """The verb, asked about something of that name."""
    _CALLS[verb](gateway, name)


_CALLS: dict[Verb, Callable[[Gateway, str], object]] = {
    Verb.HOSTED_LINK: lambda gateway, name: gateway.hosted_link(_order(name)),
    Verb.FORM: lambda gateway, name: gateway.form(_order(name)),
    Verb.REPORTED: lambda gateway, _: list(
        gateway.reported(clock.now() - timedelta(hours=1), clock.now())
    ),
    Verb.EXPIRE: lambda gateway, name: gateway.expire(name),
    Verb.CAPTURE: lambda gateway, name: gateway.capture(name),
    Verb.LOOKUP: lambda gateway, name: gateway.lookup(name),
    Verb.EVENT: lambda gateway, name: gateway.event(name),
    Verb.REFUND: lambda gateway, name: gateway.refund(_repayment(name)),
}


@pytest.mark.parametrize("verb", Verb)
def test_the_table_tells_the_truth_about(shop: Shop, verb: Verb):
    page = shop.page(shop.bill())
    before, calls = shop.books(), shop.far.calls()

    if shop.far.gateway.capabilities.can(verb):
        _WORKS[verb](shop, page)
    else:
        with pytest.raises(Refused) as refusal:
            call(shop.far.gateway, verb, _session(shop))
        assert refusal.value.code == "unsupported"
        assert (shop.books(), shop.far.calls()) == (before, calls)
        assert shop.far.asks(page) is not None


_ALONE: dict[str, Callable[[], Gateway]] = {
    "stripe without a key": lambda: Stripe("own", ("whsec",), is_live=False),
    "paypal without a key": lambda: PayPal(
        "MERCHANT", "5AN0B0X", Certificates(is_live=False), is_live=False
    ),
    "netopia without a key": lambda: a_netopia(None),
    "mobilpay without its page": lambda: a_mobilpay(page=False),
    "mobilpay without a user of its panel": a_mobilpay,
}


@pytest.mark.parametrize("made", _ALONE.values(), ids=_ALONE)
def test_what_the_table_does_not_name_is_refused(made: Callable[[], Gateway]):
    gateway = made()
    missing = [verb for verb in Verb if not gateway.capabilities.can(verb)]

    for verb in missing:
        with pytest.raises(Refused) as refusal:
            call(gateway, verb, "name")
        assert refusal.value.code == "unsupported", verb

    assert len(missing) >= 5
    serves = any(map(gateway.serves, ("RON", "EUR", "USD")))
    assert serves is gateway.capabilities.can(Verb.HOSTED_LINK)


def test_what_a_delivery_proves_is_booked_by_itself_and_a_hint_only_when_it_was_asked(shop: Shop):
    is_proof = shop.far.gateway.capabilities.is_proof
    invoice = shop.bill()
    shop.far.act(shop.page(invoice), Act.PAY)
    calls = shop.far.calls()

    while new := shop.far.sent():
        shop.take(new)
        settle_all(shop.store, shop.gateways)

    assert shop.far.calls() == calls
    assert shop.desk.standing(invoice.id).is_open is not is_proof
    shop.catch_up()
    shop.hear()
    assert not shop.desk.standing(invoice.id).is_open
    shop.assert_level()


def test_fees_are_told_where_the_table_says_so(shop: Shop):
    shop.far.act(shop.page(shop.bill()), Act.PAY)
    shop.hear()

    fees = shop.desk.query("SELECT amount_minor FROM facts WHERE move = 'fee'")

    assert bool(fees) is shop.far.gateway.capabilities.tells_fees
    shop.assert_level()


def _links(shop: Shop, page: str) -> None:
    """The same order again is the same page, or none; another key is another one."""
    first, other = (
        _linked(shop, _order(name, shop.far.currency)) for name in ("INV-9-1", "INV-9-2")
    )

    assert len({page, first, other}) == shop.far.pages() == 3


def _linked(shop: Shop, order: Order) -> str:
    """The gateway's page of an order, which a form of ours may have to lead to."""
    gateway = shop.far.gateway
    session = gateway.hosted_link(order)
    if not gateway.capabilities.remembers_orders:
        with pytest.raises(TryLater):
            gateway.hosted_link(order)
        return session.url
    assert session == gateway.hosted_link(order)
    if not gateway.capabilities.can(Verb.FORM):
        return session.url
    first, again = (shop.lead(gateway.form(order)) for _ in range(2))
    assert first == again
    return first


def _fills_in(shop: Shop, page: str) -> None:
    """The page is ours, and what its form brings the customer to asks for what is owed.

    The form is another one each time, and leads to the same page.
    """
    gateway, order = shop.far.gateway, _order("INV-9-1", shop.far.currency)

    forms = [gateway.form(order) for _ in range(2)]
    led = {shop.lead(form) for form in forms}

    assert shop.far.asks(page) == Asked("121.00", shop.far.currency)
    assert forms[0] != forms[1]
    assert [shop.far.asks(each) for each in led] == [Asked("24.20", shop.far.currency)]


def _expires(shop: Shop, page: str) -> None:
    """Nobody pays there any more; closing it again is fine."""
    for _ in range(2):
        shop.far.gateway.expire(_session(shop))

    assert shop.far.asks(page) is None
    shop.far.act(page, Act.PAY)
    shop.hear()
    assert shop.far.ledger() == {}
    assert shop.desk.query("SELECT state FROM attempts") == [("expired",)]


def _captures(shop: Shop, page: str) -> None:
    """No money moves before it, and once by any number of them."""
    shop.far.act(page, Act.PAY)
    assert shop.far.ledger() == {}

    answers = [shop.far.gateway.capture(_session(shop)) for _ in range(3)]

    moved = shop.far.ledger()
    assert [key.side for key in moved].count("money") == 1
    facts = [_facts(shop.far.gateway, answer) for answer in answers]
    assert facts[0]
    assert facts == [facts[0]] * 3
    shop.hear()
    assert shop.far.ledger() == moved
    shop.assert_level()


def _looks_up(shop: Shop, page: str) -> None:
    """The answer alone tells all the money that the gateway moved."""
    shop.far.act(page, Act.PAY)
    shop.hear()
    booked = shop.booked()
    reference = shop.far.reference(page)

    answers = [shop.far.gateway.lookup(reference) for _ in range(2)]

    assert answers[0] == answers[1]
    told = {
        (fact.key.reference, fact.key.move.value, fact.money)
        for fact in _facts(shop.far.gateway, answers[0])
    }
    known = shop.desk.query("SELECT reference, move, currency, amount_minor FROM facts")
    assert told == {(name, move, Money(currency, minor)) for name, move, currency, minor in known}
    assert booked == shop.far.ledger()


def _lists(shop: Shop, page: str) -> None:
    """What was never delivered is found, once, and comes to the same."""
    shop.far.act(page, Act.PAY)
    while shop.far.sent():
        _fill(shop.store, shop.far.gateway)
        shop.catch_up()

    assert not shop.desk.standing(1).is_open
    assert shop.desk.query("SELECT count(*) FROM inbox WHERE source = 'webhook'") == [(0,)]
    shop.assert_level()
    assert _fill(shop.store, shop.far.gateway).fetched == ()


def _fill(store: Store, gateway: Gateway) -> backfills.Filled:
    now = clock.now()
    return backfills.fill(store, gateway, now - timedelta(hours=1), now + timedelta(seconds=1))


def _gives_back(shop: Shop, page: str) -> None:
    """Under one key once, where the table says that keys are remembered; then all of it is told."""
    shop.far.act(page, Act.PAY)
    shop.hear()
    before, reference = shop.far.ledger(), shop.far.reference(page)
    times = 2 if shop.far.gateway.capabilities.remembers_refunds else 1
    money = Money(shop.far.currency, 2_100)
    repayment = Repayment(reference, money, "refund:9", clock.now(), _session(shop))

    taken = [shop.far.gateway.refund(repayment) for _ in range(times)]

    is_told = shop.far.gateway.capabilities.tells_refunds
    moved = Moved(reference, shop.far.currency, "money" if is_told else "untold")
    assert len(set(taken)) == 1
    assert shop.far.ledger()[moved] == before.get(moved, 0) - Decimal("21.00")
    answer = taken[0].answer or shop.far.gateway.lookup(taken[0].name)
    assert taken[0].item in {fact.key.item for fact in _facts(shop.far.gateway, answer)}
    shop.hear()
    shop.assert_level()
    with pytest.raises(Refused):
        shop.far.gateway.refund(
            replace(repayment, money=Money(shop.far.currency, 12_100), key="k10")
        )


_WORKS: dict[Verb, Callable[[Shop, str], None]] = {
    Verb.HOSTED_LINK: _links,
    Verb.FORM: _fills_in,
    Verb.EXPIRE: _expires,
    Verb.CAPTURE: _captures,
    Verb.LOOKUP: _looks_up,
    Verb.REPORTED: _lists,
    Verb.EVENT: _lists,
    Verb.REFUND: _gives_back,
}


def _facts(gateway: Gateway, answer: bytes) -> list:  # type: ignore[type-arg]
    reading = gateway.read(answer)
    assert isinstance(reading, tuple)
    return [each.fact for each in reading if isinstance(each, Report)]


def _session(shop: Shop) -> str:
    """The gateway's name of the page that was opened last."""
    ((session,),) = shop.desk.query("SELECT session FROM attempts ORDER BY id DESC LIMIT 1")
    return str(session)


def _repayment(name: str) -> Repayment:
    return Repayment(name, Money("EUR", 100), "refund:9", clock.now())


def _order(name: str, currency: str = "EUR") -> Order:
    return Order(
        order_id=name,
        references=(name,),
        description="Factura",
        money=Money(currency, 2_420),
        language="ro",
        seller_name="Demo SRL",
        return_url="https://pay.example/return",
        cancel_url="https://pay.example/cancel",
        expires_at=clock.now().replace(microsecond=0) + timedelta(hours=2),
        key=f"link:{name}",
        email=None,
    )
