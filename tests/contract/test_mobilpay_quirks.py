"""What is not known of MobilPay may be either way: the books come to the same."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.contract import at_mobilpay, shops
from tests.contract.at_sandbox import AtSandbox
from tests.contract.far_side import Act
from tests.contract.shops import Shop
from tests.contract.stories import Story
from tests.contract.test_stories import every_story, follow
from tests.sandbox.mobilpay_customers import AGAIN, THANKS


@pytest.fixture
def far() -> Iterator[AtSandbox]:
    """It speaks the old cipher, and has every quirk."""
    with at_mobilpay.opened(has_rc4=True) as far:
        far.sandbox.turn("mobilpay", minus=1.0, new_purchase=1.0, fresh_crc=1.0)
        yield far


@pytest.fixture
def shop(far: AtSandbox, fresh_dsn: str) -> Iterator[Shop]:
    with shops.opened(fresh_dsn, far) as opened:
        yield opened


def press(far: AtSandbox, page: str, button: str, amount: str = "") -> None:
    """A button of the panel that only MobilPay has."""
    order = far.dialect.payment(far.sandbox, page)[1]
    address = f"{far.sandbox.url}/panel/mobilpay/{order}/{button}"
    assert far.browser.post(address, data={"amount": amount}).status_code == 303
    far.sandbox.settle()


@every_story
def test_the_books_follow_in_the_old_cipher_and_with_every_quirk(
    shop: Shop, far: AtSandbox, story: Story
):
    follow(shop, story)

    acts = [step.act for step in story]
    counted = far.sandbox.counted("mobilpay")
    assert counted.get("minus", 0) == acts.count(Act.REFUND)
    assert counted.get("new_purchase", 0) == acts.count(Act.DECLINE)
    assert all(b"cipher=rc4" in each.body for each in far.listener.taken)


def test_a_resend_of_another_instant_pays_no_second_time(shop: Shop, far: AtSandbox):
    far.listener.bodies = [AGAIN] * 2
    invoice = shop.bill()
    shop.far.act(shop.page(invoice), Act.PAY)

    heard = shop.hear()

    assert (len(heard), far.sandbox.counted("mobilpay")["fresh_crc"]) == (3, 2)
    assert len(shop.desk.payments()) == 1
    assert (shop.desk.standing(invoice.id).is_open, shop.attention()) == (False, set())
    assert shop.desk.query("SELECT count(*) FROM inbox") == [(3,)]
    shop.assert_level()


def test_a_refund_told_again_of_another_instant_stands_once_and_is_shown(
    shop: Shop, far: AtSandbox
):
    far.listener.body = THANKS
    page = shop.page(shop.bill())
    shop.far.act(page, Act.PAY)
    shop.far.act(page, Act.REFUND, Decimal("40.00"))
    shop.hear()
    before = shop.books()

    press(far, page, "tell-again")
    heard = shop.hear()

    assert len(heard) == 1
    assert (shop.books() - before) == {"attention fact_disagrees event": 1}
    shop.assert_level()


def test_a_part_of_what_was_held_is_booked_as_that_part_and_shown(shop: Shop, far: AtSandbox):
    invoice = shop.bill()
    page = shop.page(invoice)
    assert far.browser.post(f"{page}/authorise").status_code == 303
    shop.hear()
    held = shop.desk.standing(invoice.id)
    press(far, page, "capture", "100.00")

    shop.hear()

    standing = shop.desk.standing(invoice.id)
    assert (held.paid_minor, standing.paid_minor, standing.is_open) == (0, 100_00, True)
    assert shop.attention() == {"fact_disagrees"}
    shop.assert_level()


def test_what_was_held_and_let_go_is_no_money_and_ends_the_attempt(shop: Shop, far: AtSandbox):
    invoice = shop.bill()
    page = shop.page(invoice)
    far.browser.post(f"{page}/authorise")
    press(far, page, "cancel")

    shop.hear()

    assert shop.desk.payments() == []
    assert shop.desk.query("SELECT state FROM attempts") == [("cancelled",)]
    shop.assert_level()


def test_who_comes_again_with_a_paid_order_pays_no_second_time_and_is_shown(
    shop: Shop, far: AtSandbox
):
    invoice = shop.bill()
    link = shop.link(invoice)
    ours = shop.browser.post(link, data={"gateway": "mobilpay"}).headers["location"]
    form = shop.form(ours)
    shop.far.act(shop.lead(form), Act.PAY)
    shop.hear()

    again = shop.browser.post(form.url, data=form.fields)
    heard = shop.hear()

    assert (again.status_code, len(heard)) == (400, 1)
    assert 'data-test="code">56<' in again.text
    assert shop.attention() == {"fact_disagrees"}
    assert len(shop.desk.payments()) == 1
    shop.assert_level()
