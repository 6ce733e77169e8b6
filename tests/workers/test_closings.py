"""The errand of closing a session: real client, real rows, and every way it can end."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from domain.invoices import Standing
from gateways.port import Order
from ledger.links import attempting, closing, granting, showing
from ledger.links.attempting import Attempt, Click
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from tests import stripe_server
from tests.desk import Desk
from tests.stripe_server import Account
from workers import closings


@pytest.fixture
def account(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with stripe_server.serving() as account:
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_x")
        monkeypatch.setenv("STRIPE_API_BASE", account.url)
        settings.cache_clear()
        wiring.gateways.cache_clear()
        yield account


def begun(store: Store, invoice: Standing, language: str = "ro") -> Attempt:
    now = clock.now()
    target = Target(invoice.client_id, invoice.id)
    with store.transaction() as books:
        token = granting.grant(books, target, Terms(), b"secret", "test", now).token
        shown = showing.find(books, token, now)
        assert shown is not None
        click = Click("stripe", "own/test", "en" if language == "en" else "ro")
        return attempting.begin(books, shown, click, now)


def opened(store: Store, attempt: Attempt) -> str:
    """Opens the attempt's session at Stripe and stores it; answers its id."""
    order = Order(
        order_id=attempt.order_id,
        references=attempt.numbers,
        description="Factura",
        money=attempt.money,
        language="ro",
        seller_name=attempt.seller,
        return_url="https://pay.example/r",
        cancel_url="https://pay.example/c",
        expires_at=attempt.expires_at,
        key=attempt.key,
        email=None,
    )
    session = wiring.gateways()["stripe"].hosted_link(order)
    with store.transaction() as books:
        attempting.opened(books, attempt.id, session.id, session.url)
    return session.id


def errand(desk: Desk) -> list[tuple[str, str | None]]:
    return desk.query("SELECT state, reason FROM outbox WHERE effect = 'expire' ORDER BY id")


def test_a_session_for_what_is_no_longer_owed_is_closed(desk: Desk, store: Store, account: Account):
    invoice = desk.invoice(desk.open())
    session = opened(store, begun(store, invoice))
    desk.write_off(invoice.id)

    closings.run_closings()
    closings.run_closings()

    assert account.sessions[session]["status"] == "expired"
    assert errand(desk) == [("done", None)]
    assert desk.query("SELECT state FROM attempts") == [("expired",)]
    assert account.asked.count(f"/v1/checkout/sessions/{session}/expire") == 1


def test_who_dies_after_the_call_leaves_what_is_done_again(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    invoice = desk.invoice(desk.open())
    session = opened(store, begun(store, invoice))
    desk.write_off(invoice.id)

    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(closing, "finish", dies)
        with pytest.raises(Killed):
            closings.run_closings()
    closings.run_closings()
    assert errand(desk) == [("claimed", None)]
    later(monkeypatch, minutes=2)
    closings.run_closings()

    assert errand(desk) == [("done", None)]
    assert account.sessions[session]["status"] == "expired"


@pytest.mark.parametrize("trouble", ["silence", 500, 429])
def test_a_busy_gateway_is_asked_again_later(
    desk: Desk,
    store: Store,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    trouble: int | str,
):
    invoice = desk.invoice(desk.open())
    session = opened(store, begun(store, invoice))
    desk.write_off(invoice.id)
    account.troubles.append(trouble)

    closings.run_closings()
    first = errand(desk)
    later(monkeypatch, minutes=1)
    closings.run_closings()

    assert first[0][0] == "waiting"
    assert "busy or away" in str(first[0][1])
    assert [state for state, _ in errand(desk)] == ["done"]
    assert account.sessions[session]["status"] == "expired"


def test_a_session_that_is_about_to_open_is_waited_for(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    invoice = desk.invoice(desk.open())
    attempt = begun(store, invoice)
    desk.write_off(invoice.id)

    closings.run_closings()
    waiting = errand(desk)
    session = opened(store, attempt)
    later(monkeypatch, minutes=1)
    closings.run_closings()

    assert waiting == [("waiting", "its session is not stored yet")]
    assert account.sessions[session]["status"] == "expired"


def test_a_session_that_never_opened_lapses(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    invoice = desk.invoice(desk.open())
    begun(store, invoice)
    desk.write_off(invoice.id)

    later(monkeypatch, minutes=166)
    closings.run_closings()

    assert errand(desk) == [("done", None)]
    assert account.asked == []


def test_a_session_nobody_knows_is_left_to_a_person(desk: Desk, store: Store, account: Account):
    invoice = desk.invoice(desk.open())
    session = opened(store, begun(store, invoice))
    account.sessions.pop(session)
    desk.write_off(invoice.id)

    closings.run_closings()

    ((state, reason),) = errand(desk)
    assert state == "failed"
    assert "unknown_session" in str(reason)


def test_of_two_sessions_only_the_replaced_one_is_closed(
    desk: Desk, store: Store, account: Account
):
    invoice = desk.invoice(desk.open())
    first = opened(store, begun(store, invoice))
    second = opened(store, begun(store, invoice, "en"))

    closings.run_closings()

    assert account.sessions[first]["status"] == "expired"
    assert account.sessions[second]["status"] == "open"
    assert desk.query("SELECT state FROM attempts ORDER BY id") == [("expired",), ("open",)]


def later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    now: datetime = clock.now() + timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "now", lambda: now)
