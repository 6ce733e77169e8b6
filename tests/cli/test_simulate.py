"""`incasso simulate` against the real door on a real port, a worker beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import Celery

from cli.simulation import outcome
from domain.ids import Kind, public
from domain.invoices import Standing
from gateways.stripe import Stripe
from ledger.inbox import waiting
from ledger.store import Store
from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.desk import Desk
from tests.gateways.deliveries import SECRET
from tests.serving import serving
from webhooks.app import Webhooks
from workers import events

GATEWAYS = {"stripe": Stripe("own", (SECRET,), is_live=False)}


@pytest.fixture
def door(
    store: Store, fresh_dsn: str, broker_url: str, key_prefix: str, wire: Wire
) -> Iterator[str]:
    """The address of the door; what it takes in nobody settles yet."""
    options = {"global_keyprefix": key_prefix}
    celery = Celery("door", broker=broker_url, broker_transport_options=options)
    with serving(Webhooks(GATEWAYS, fresh_dsn, celery)) as address:
        wire(BASE_URL=address)
        yield address


@pytest.fixture
def settler(door: str, fresh_dsn: str) -> Iterator[None]:
    """Somebody who settles what the door takes in."""
    store = Store(fresh_dsn)
    with working(store):
        yield
    store.close()


@pytest.fixture
def invoice(desk: Desk) -> Standing:
    """An open invoice over 121.00 RON."""
    return desk.invoice(desk.open())


@contextmanager
def working(store: Store) -> Iterator[None]:
    is_over = threading.Event()

    def settle() -> None:
        while not is_over.wait(0.01):
            while events.settle_next(store, GATEWAYS, waiting.claim_fresh):
                pass

    thread = threading.Thread(target=settle)
    thread.start()
    yield
    is_over.set()
    thread.join()


def paying(invoice: Standing, *more: str) -> tuple[str, ...]:
    assert invoice.number is not None
    return ("simulate", "stripe", "--invoice", invoice.number, "--json", *more)


@pytest.mark.usefixtures("settler")
def test_one_command_pays_an_invoice_and_tells_the_whole_story(
    run: Run, desk: Desk, invoice: Standing
):
    ran = run(*paying(invoice))

    assert ran.code == 0, ran.err
    told = ran.json
    assert [(each["type"], each["status"]) for each in told["deliveries"]] == [
        ("charge.succeeded", 200),
        ("payment_intent.succeeded", 200),
        ("checkout.session.completed", 200),
    ]
    assert [event["state"] for event in told["events"]] == ["done"] * 3
    assert (told["payment"]["state"], told["payment"]["amount"]) == ("POSTED", "121.00 RON")
    assert [(each["kind"], each["amount"]) for each in told["postings"]] == [
        ("receive", "121.00 RON"),
        ("allocate", "121.00 RON"),
    ]
    assert told["before"] == {
        "status": "sent",
        "paid": "0.00",
        "balance": "121.00",
        "planned": [7, 14, 30],
    }
    assert told["after"] == {"status": "paid", "paid": "121.00", "balance": "0.00", "planned": []}
    assert told["remindersCancelled"] == [7, 14, 30]
    assert told["settledMilliseconds"] > 0
    assert len(desk.payments()) == 1
    assert desk.differences() == []


@pytest.mark.usefixtures("settler")
def test_a_part_can_be_paid(run: Run, invoice: Standing):
    told = run(*paying(invoice, "--amount", "12.50")).json

    assert (told["after"]["status"], told["after"]["paid"]) == ("partially_paid", "12.50")
    assert told["after"]["planned"] == [7, 14, 30]
    assert told["remindersCancelled"] == []


@pytest.mark.usefixtures("settler")
def test_more_than_is_open_needs_a_person(run: Run, invoice: Standing):
    told = run(*paying(invoice, "--amount", "150")).json

    assert (told["after"]["status"], told["after"]["balance"]) == ("paid", "-29.00")
    assert told["attention"] == ["overpaid"]


@pytest.mark.usefixtures("settler")
def test_copies_in_any_order_pay_once(run: Run, desk: Desk, invoice: Standing):
    ran = run(*paying(invoice, "--duplicate", "20", "--out-of-order"))

    assert ran.code == 0
    told = ran.json
    assert [each["status"] for each in told["deliveries"]] == [200] * 60
    kinds = [each["type"] for each in told["deliveries"]]
    assert kinds != sorted(kinds, key=kinds.index), "sixty shuffled events are never in order"
    assert len(told["events"]) == 3
    assert told["after"]["paid"] == "121.00"
    assert len(desk.payments()) == 1
    assert desk.differences() == []


@pytest.mark.usefixtures("settler")
def test_a_forged_event_is_refused_and_changes_nothing(run: Run, desk: Desk, invoice: Standing):
    ran = run(*paying(invoice, "--bad-signature"))

    assert ran.code == 0
    told = ran.json
    assert [each["status"] for each in told["deliveries"]] == [400] * 3
    assert told["events"] == []
    assert told["payment"] is None
    assert told["before"] == told["after"]
    assert told["settledMilliseconds"] is None
    assert desk.query("SELECT count(*) FROM inbox") == [(0,)]


def test_an_endpoint_that_takes_forgeries_fails_the_command(
    run: Run, wire: Wire, invoice: Standing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outcome, "PATIENCE_SECONDS", 0.1)

    with serving(_gullible) as address:
        wire(BASE_URL=address)
        ran = run(*paying(invoice, "--bad-signature"))

    assert ran.code == 1


def test_the_screen_shows_payment_postings_and_invoice(run: Run, settler: None, invoice: Standing):
    ran = run("simulate", "stripe", "--invoice", str(invoice.number))

    assert ran.code == 0
    for said in (
        "121.00 RON for INV-0001",
        "1 × 200",
        "POSTED",
        "outside:stripe:own/test → payment",
        "payment → invoice",
        "3 reminders cancelled: +7 d, +14 d, +30 d",
        "from the first post to settled",
    ):
        assert said in ran.out


def test_the_screen_says_that_a_forgery_was_refused(run: Run, door: str, invoice: Standing):
    ran = run("simulate", "stripe", "--invoice", str(invoice.number), "--bad-signature")

    assert ran.code == 0
    assert "1 × 400" in ran.out
    assert "nothing is booked" in ran.out
    assert "nothing changed" in ran.out


def test_nobody_who_settles_is_named_after_a_while(
    run: Run, door: str, invoice: Standing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outcome, "PATIENCE_SECONDS", 0.1)

    ran = run(*paying(invoice))

    assert ran.code == 1
    assert "3 of 3 events are kept, but no worker has settled them" in ran.err


def test_nothing_running_names_the_command_that_starts_it(run: Run, wire: Wire, invoice: Standing):
    wire(BASE_URL="http://127.0.0.1:1")

    ran = run(*paying(invoice))

    assert ran.code == 1
    assert "make run" in ran.err


def test_an_unknown_invoice_names_some_that_are_open(run: Run, invoice: Standing):
    ran = run("simulate", "stripe", "--invoice", "INV-9999")

    assert ran.code == 1
    assert "no invoice INV-9999; open are INV-0001" in ran.err


@pytest.mark.usefixtures("settler")
def test_money_for_a_draft_by_its_id_waits(run: Run, desk: Desk):
    draft = desk.draft(desk.open())
    name = str(public(Kind.INVOICE, draft))

    without = run("simulate", "stripe", "--invoice", name)
    told = run("simulate", "stripe", "--invoice", name, "--amount", "10", "--json").json

    assert without.code == 1
    assert "--amount" in without.err
    assert told["attention"] == ["draft_invoice"]
    assert (told["after"]["status"], told["after"]["balance"]) == ("draft", "111.00")


@pytest.mark.usefixtures("settler")
def test_a_paid_invoice_asks_for_an_amount(run: Run, invoice: Standing):
    run(*paying(invoice))

    ran = run(*paying(invoice))

    assert ran.code == 1
    assert "--amount" in ran.err


@pytest.mark.parametrize("amount", ["0", "-1", "1,00", "1.001", "NaN", "１", ""])
def test_a_senseless_amount_is_refused(run: Run, invoice: Standing, amount: str):
    ran = run(*paying(invoice, f"--amount={amount}"))

    assert ran.code == 1
    assert ran.err.startswith("incasso: ")


def test_without_a_secret_the_setting_is_named(run: Run, wire: Wire, invoice: Standing):
    wire(STRIPE_WEBHOOK_SECRETS="")

    ran = run(*paying(invoice))

    assert ran.code == 1
    assert "STRIPE_WEBHOOK_SECRETS" in ran.err


def test_nothing_is_pretended_where_live_money_is_booked(
    run: Run, wire: Wire, desk: Desk, door: str, invoice: Standing
):
    wire(STRIPE_API_KEY="sk_live_x")

    ran = run(*paying(invoice))

    assert ran.code == 1
    assert "live money" in ran.err
    assert desk.query("SELECT count(*) FROM inbox") == [(0,)]


async def _gullible(scope, receive, send) -> None:
    """Takes everything and keeps nothing."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
