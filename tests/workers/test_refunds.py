"""Money that a person gives back goes back once, whoever dies where and whatever is told of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from domain.errors import Refused
from gateways.capabilities import Capabilities
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.port import Gateway, Repayment, Taken
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger import outbox, stops
from ledger.settlement import refunds as rows
from ledger.stops import Stop
from ledger.store import Store
from runtime import clock
from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests.desk import Desk
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from tests.workers.far_side import FarSide
from tests.workers.test_captures import Killed, pass_time
from workers import refunds
from workers.nudges import Nudges

_NOBODY = "http://127.0.0.1:9/webhooks"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    monkeypatch.setattr(Nudges, "hurry", lambda self: None)
    pass_time(monkeypatch, timedelta(seconds=1))


@pytest.fixture
def sandbox() -> Iterator[Running]:
    options = Options(_NOBODY, stripe_secrets=SECRETS, seed=7, settle_seconds=0.02)
    with running.beside(options) as sandbox:
        for name in ("stripe", "paypal"):
            sandbox.turn(name, drop=1.0)
        yield sandbox


@pytest.fixture(params=["stripe", "paypal"])
def far(
    request: pytest.FixtureRequest, sandbox: Running, desk: Desk, store: Store
) -> Iterator[FarSide]:
    with httpx.Client(trust_env=False) as browser:
        if request.param == "stripe":
            yield FarSide(_stripe(sandbox), sandbox, desk, store, AtStripe(sandbox, browser))
            return
        told = sandbox.world.options
        api = PayPalApi(f"{sandbox.url}/paypal", told.paypal_client_id, told.paypal_client_secret)
        certificates = Certificates(is_live=False, hosts=(sandbox.url,))
        merchant, webhook = told.paypal_merchant_id, told.paypal_webhook_id
        gateway = PayPal(merchant, webhook, certificates, is_live=False, api=api)
        yield FarSide(gateway, sandbox, desk, store, AtPaypal(sandbox, browser))
        vars(api)["_client"].close()


@pytest.fixture
def at_stripe(sandbox: Running, desk: Desk, store: Store) -> Iterator[FarSide]:
    with httpx.Client(trust_env=False) as browser:
        yield FarSide(_stripe(sandbox), sandbox, desk, store, AtStripe(sandbox, browser))


def _stripe(sandbox: Running) -> Stripe:
    api = StripeApi("sk_test_sandbox", f"{sandbox.url}/stripe")
    return Stripe("own", SECRETS, is_live=False, api=api)


def went_back(far: FarSide, payment_id: int, amount: str = "121.00") -> None:
    """Once: at the gateway and in the books, and nothing is reserved any more."""
    far.hears()
    assert far.gave_back() == [Decimal(amount)]
    assert far.held(payment_id).returned_minor == Decimal(amount) * 100
    assert far.held(payment_id).reserved_minor == 0
    assert far.desk.differences() == []


def test_the_whole_goes_back_once_and_its_own_events_change_nothing(far: FarSide):
    invoice = far.invoice()
    payment = far.pays(invoice)

    begun = far.give_back(payment)
    promised = far.held(payment), far.desk.standing(invoice.id).is_open
    far.works()
    settled = far.desk.postings()
    went_back(far, payment)

    assert begun.money.minor == promised[0].reserved_minor == 12_100
    assert promised[1] is False
    assert far.desk.postings() == settled
    assert far.refund(begun.id).state == "done"
    assert far.desk.standing(invoice.id).is_open
    assert ("refunded", f"invoice:{invoice.id}") in far.desk.attention()


def test_parts_go_back_until_nothing_is_left(far: FarSide):
    payment = far.pays(far.invoice())
    for amount in ("20.00", "1.00"):
        far.give_back(payment, amount)
        far.works()

    with pytest.raises(Refused, match=r"at most .*100\.00"):
        far.give_back(payment, "100.01")
    last = far.give_back(payment)
    far.hears()

    assert far.gave_back() == [Decimal("20.00"), Decimal("1.00"), Decimal("100.00")]
    assert far.refund(last.id).money.minor == 10_000
    with pytest.raises(Refused, match="nothing of this payment is left"):
        far.give_back(payment)
    assert far.desk.differences() == []


def test_only_what_is_applied_to_nothing_goes_back(far: FarSide):
    invoice = far.invoice()
    payment = far.pays(invoice, 13_000)
    before = far.desk.attention()

    far.give_back(payment, only_unapplied=True)
    during = far.desk.attention()
    went_back(far, payment, "9.00")

    assert before == [("overpaid", f"payment:{payment}")]
    assert during == far.desk.attention() == []
    assert not far.desk.standing(invoice.id).is_open


def test_of_two_who_give_the_whole_back_one_does(far: FarSide):
    payment = far.pays(far.invoice())

    def give(_: int) -> bool:
        try:
            far.give_back(payment)
        except Refused as refusal:
            return refusal.code != "nothing_to_refund"
        return True

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(give, range(8)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: far.works(), range(4)))

    assert said.count(True) == 1
    went_back(far, payment)


def dies_before_the_call(patch: pytest.MonkeyPatch, _: FarSide) -> None:
    patch.setattr(refunds, "_send", _die)


def dies_when_the_money_went(patch: pytest.MonkeyPatch, far: FarSide) -> None:
    genuine = type(far.gateway).refund

    def refund(self: Gateway, repayment: Repayment) -> Taken:
        genuine(self, repayment)
        raise Killed

    patch.setattr(type(far.gateway), "refund", refund)


def dies_before_it_is_written(patch: pytest.MonkeyPatch, _: FarSide) -> None:
    patch.setattr(rows, "sent", _die)


def dies_while_it_is_written(patch: pytest.MonkeyPatch, _: FarSide) -> None:
    patch.setattr(rows, "_say", _die)


def _die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    "die",
    [
        dies_before_the_call,
        dies_when_the_money_went,
        dies_before_it_is_written,
        dies_while_it_is_written,
    ],
)
def test_dying_anywhere_gives_back_once(
    far: FarSide,
    monkeypatch: pytest.MonkeyPatch,
    die: Callable[[pytest.MonkeyPatch, FarSide], None],
):
    payment = far.pays(far.invoice())
    begun = far.give_back(payment)
    with monkeypatch.context() as dying:
        die(dying, far)
        with pytest.raises(Killed):
            far.works()
    far.works()
    leased = far.refund(begun.id).state
    pass_time(monkeypatch, timedelta(minutes=2))

    far.works()

    assert leased == "open"
    assert far.refund(begun.id).state == "done"
    went_back(far, payment)


@pytest.mark.parametrize("trouble", ["error_before", "error_after"])
def test_a_lost_or_busy_answer_is_asked_for_again_under_the_same_key(
    far: FarSide, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    payment = far.pays(far.invoice())
    begun = far.give_back(payment)
    far.sandbox.turn(far.name, next=[trouble])
    far.works()
    pass_time(monkeypatch, timedelta(minutes=1))

    far.works()

    assert far.sandbox.counted(far.name)[trouble] == 1
    assert far.refund(begun.id).state == "done"
    went_back(far, payment)


def test_what_came_back_by_another_way_is_refused_and_free_again(far: FarSide):
    """Somebody gives the whole back at the gateway's own panel just before we do."""
    invoice = far.invoice()
    payment = far.pays(invoice)
    begun = far.give_back(payment)
    _at_the_panel(far, "121.00")

    far.works()

    refused = far.refund(begun.id)
    assert (refused.state, refused.item) == ("failed", None)
    assert refused.detail
    assert ("refund_failed", f"refund:{begun.id}") in far.desk.attention()
    went_back(far, payment)


def _at_the_panel(far: FarSide, amount: str) -> None:
    if isinstance(far.at, AtStripe):
        (charge,) = far.sandbox.ask(lambda world: list(world.stripe.objects["charge"]))
        far.at.panel(charge, "refund", amount)
    else:
        (capture,) = far.sandbox.ask(lambda world: list(world.paypal.captures))
        far.at.panel(capture, "refund", amount)


def test_a_refund_that_fails_afterwards_pays_its_invoice_again(at_stripe: FarSide):
    invoice = at_stripe.invoice()
    payment = at_stripe.pays(invoice)
    begun = at_stripe.give_back(payment)
    at_stripe.works()
    done = at_stripe.refund(begun.id)
    assert isinstance(at_stripe.at, AtStripe)
    at_stripe.at.panel(str(done.item), "fail")

    at_stripe.hears()

    assert done.state == "done"
    assert at_stripe.refund(begun.id).state == "failed"
    assert at_stripe.held(payment).reserved_minor == 0
    assert not at_stripe.desk.standing(invoice.id).is_open
    assert at_stripe.desk.differences() == []


def test_a_refused_key_is_shown_and_tried_again(
    at_stripe: FarSide, monkeypatch: pytest.MonkeyPatch
):
    payment = at_stripe.pays(at_stripe.invoice())
    begun = at_stripe.give_back(payment)
    right = at_stripe.gateway
    at_stripe.gateway = _wrong_key(at_stripe.sandbox)
    at_stripe.works()
    shown = at_stripe.desk.attention()
    at_stripe.gateway = right
    pass_time(monkeypatch, timedelta(minutes=1))

    at_stripe.works()

    assert ("refund_failed", f"refund:{begun.id}") in shown
    assert ("refund_failed", f"refund:{begun.id}") not in at_stripe.desk.attention()
    went_back(at_stripe, payment)


def _wrong_key(sandbox: Running) -> Stripe:
    api = StripeApi("pk_wrong", f"{sandbox.url}/stripe")
    return Stripe("own", SECRETS, is_live=False, api=api)


def test_stopped_refunds_wait(at_stripe: FarSide):
    payment = at_stripe.pays(at_stripe.invoice())
    with at_stripe.store.transaction() as books:
        stops.put(books, Stop.REFUNDS, "test", "to look")
    begun = at_stripe.give_back(payment)
    at_stripe.works()
    stood = at_stripe.refund(begun.id).state, at_stripe.gave_back()
    with at_stripe.store.transaction() as books:
        stops.remove(books, Stop.REFUNDS, "test", None)

    at_stripe.works()

    assert stood == ("open", [])
    went_back(at_stripe, payment)


class Forgetful(Stripe):
    """As a gateway that takes every call for another refund."""

    @property
    def capabilities(self) -> Capabilities:
        return self._forgetful

    @capabilities.setter
    def capabilities(self, told: Capabilities) -> None:
        names = ("verbs", "is_proof", "tells_fees", "tells_refunds", "tells_disputes")
        self._forgetful = Capabilities(
            **{name: getattr(told, name) for name in names}, remembers_refunds=None
        )


@pytest.fixture
def forgetful(at_stripe: FarSide) -> FarSide:
    api = StripeApi("sk_test_sandbox", f"{at_stripe.sandbox.url}/stripe")
    at_stripe.gateway = Forgetful("own", SECRETS, is_live=False, api=api)
    return at_stripe


@pytest.mark.parametrize("how", ["a lost answer", "a death"])
def test_where_nobody_knows_a_call_again_it_is_made_once(
    forgetful: FarSide, monkeypatch: pytest.MonkeyPatch, how: str
):
    """Perhaps it went: a person looks, and what was reserved stays so until then."""
    payment = forgetful.pays(forgetful.invoice())
    begun = forgetful.give_back(payment, "21.00")
    if how == "a lost answer":
        forgetful.sandbox.turn("stripe", next=["error_after"])
        forgetful.works()
    else:
        with monkeypatch.context() as dying:
            dies_when_the_money_went(dying, forgetful)
            with pytest.raises(Killed):
                forgetful.works()
    for _ in range(3):
        pass_time(monkeypatch, timedelta(minutes=5))
        forgetful.hears()
    unknown = forgetful.refund(begun.id)
    held = forgetful.held(payment)
    forgetful.end(begun.id)

    assert (unknown.state, held.reserved_minor) == ("unknown", 2_100)
    assert ("refund_failed", f"refund:{begun.id}") not in forgetful.desk.attention()
    assert forgetful.refund(begun.id).state == "failed"
    went_back(forgetful, payment, "21.00")


def test_a_key_that_is_refused_leaves_no_doubt(forgetful: FarSide, monkeypatch: pytest.MonkeyPatch):
    """Nothing went, so it is tried again, also where a second call would be a second refund."""
    payment = forgetful.pays(forgetful.invoice())
    begun = forgetful.give_back(payment)
    right = forgetful.gateway
    forgetful.gateway = _wrong_key(forgetful.sandbox)
    for _ in range(2):
        forgetful.works()
        pass_time(monkeypatch, timedelta(minutes=1))
    forgetful.gateway = right

    forgetful.works()

    assert forgetful.refund(begun.id).state == "done"
    went_back(forgetful, payment)


def test_a_day_later_stripe_is_not_asked_again(at_stripe: FarSide, monkeypatch: pytest.MonkeyPatch):
    payment = at_stripe.pays(at_stripe.invoice())
    begun = at_stripe.give_back(payment)
    at_stripe.sandbox.turn("stripe", next=["error_after"])
    at_stripe.works()
    pass_time(monkeypatch, timedelta(days=1))

    at_stripe.works()

    assert at_stripe.refund(begun.id).state == "unknown"
    assert at_stripe.gave_back() == [Decimal("121.00")]
    assert ("refund_failed", f"refund:{begun.id}") in at_stripe.desk.attention()


def test_a_hand_that_was_late_says_nothing(at_stripe: FarSide, monkeypatch: pytest.MonkeyPatch):
    payment = at_stripe.pays(at_stripe.invoice())
    begun = at_stripe.give_back(payment)
    with at_stripe.store.transaction() as books:
        late = rows.claim(books, clock.now())
    assert late is not None
    pass_time(monkeypatch, timedelta(minutes=2))
    at_stripe.works()
    before = at_stripe.refund(begun.id), at_stripe.held(payment), at_stripe.desk.attention()

    with at_stripe.store.transaction() as books:
        assert rows.sent(books, late, rows.Sent("re_late", late.reference)) is None
        assert not rows.put_off(books, late, "late", clock.now())
        assert not rows.wait(books, late, "late", clock.now())
        assert not rows.lose(books, late, "late")
        assert not outbox.finish(books, late.leased)

    after = at_stripe.refund(begun.id), at_stripe.held(payment), at_stripe.desk.attention()
    assert before == after
