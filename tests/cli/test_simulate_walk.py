"""`incasso simulate` of gateways that the sandbox pretends: a customer pays, and it is told."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from domain.invoices import Standing
from sandbox import running as sandboxes
from sandbox.options import Options
from sandbox.running import Running
from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.cli.test_simulate import _gullible
from tests.cli.test_up import Up, running
from tests.desk import Desk
from tests.serving import serving
from tests.stories import pretend

pytestmark = pytest.mark.timeout(300)

# With the currency of an invoice that is paid there, and how often it tells of a payment.
GATEWAYS = {"paypal": ("EUR", 3), "mobilpay": ("RON", 1), "netopia": ("RON", 2)}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up")) as started:
        yield started


@pytest.fixture(params=GATEWAYS)
def gateway(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def number(up: Up, gateway: str) -> str:
    """An open invoice over 121.00."""
    return issued(up, GATEWAYS[gateway][0])


@pytest.fixture
def paypal(wire: Wire) -> Iterator[Running]:
    """A sandbox that this process takes for PayPal; nobody listens to it."""
    with sandboxes.beside(Options("http://127.0.0.1:9/webhooks", seed=7)) as sandbox:
        wire(**pretend.settings(sandbox), SECRET_KEY="0" * 64)
        yield sandbox


@pytest.fixture
def invoice(desk: Desk) -> Standing:
    return desk.invoice(desk.open(), "100", "EUR")


def issued(up: Up, currency: str) -> str:
    client = asked(up, "clients", {"name": "Ana SRL"})["id"]
    line = {"description": "Work", "quantity": "1", "unitPrice": "100", "vatRate": "21"}
    told = {"clientId": client, "currency": currency, "lines": [line]}
    draft = asked(up, "invoices", told)
    return str(asked(up, f"invoices/{draft['id']}/send", {})["number"])


def asked(up: Up, path: str, told: dict[str, Any]) -> dict[str, Any]:
    state = up.state
    bearer = {"Authorization": f"Bearer {state['api_token']}"}
    answer = httpx.post(f"{state['web']}/api/{path}", json=told, headers=bearer, timeout=60)
    assert answer.is_success, answer.text
    return dict(answer.json())


def simulated(up: Up, *arguments: str) -> dict[str, Any]:
    ran = up.run("simulate", *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_one_command_pays_an_invoice_and_tells_the_whole_story(up: Up, gateway: str, number: str):
    told = simulated(up, gateway, "--invoice", number)

    currency, times = GATEWAYS[gateway]
    assert told["sent"] == {"events": times, "posted": times, "taken": times, "refused": 0}
    assert {each["state"] for each in told["events"]} == {"done"}
    assert [each["source"] for each in told["events"]].count("webhook") == times
    assert told["payment"]["amount"] == f"121.00 {currency}"
    assert {each["kind"] for each in told["postings"]} >= {"receive", "allocate"}
    assert told["before"]["planned"] == told["remindersCancelled"] == [7, 14, 30]
    assert (told["after"]["status"], told["after"]["paid"]) == ("paid", "121.00")
    assert up.run("audit").returncode == 0


def test_copies_in_any_order_pay_a_part_once(up: Up, gateway: str, number: str):
    hard = ("--duplicate", "20", "--out-of-order")
    told = simulated(up, gateway, "--invoice", number, "--amount", "12.50", *hard)

    times = 20 * GATEWAYS[gateway][1]
    assert (told["sent"]["posted"], told["sent"]["taken"]) == (times, times)
    assert (told["after"]["status"], told["after"]["paid"]) == ("partially_paid", "12.50")
    assert simulated(up, gateway, "--invoice", number)["after"]["balance"] == "0.00"
    assert up.run("audit").returncode == 0


def test_a_forged_event_is_refused_and_changes_nothing(up: Up, gateway: str, number: str):
    told = simulated(up, gateway, "--invoice", number, "--bad-signature", "--duplicate", "2")

    assert [each["taken"] for each in told["deliveries"]] == [False, False]
    assert (told["events"], told["payment"], told["sent"]) == ([], None, None)
    assert told["before"] == told["after"]
    assert told["after"]["status"] == "sent"


def test_the_screen_shows_what_was_kept_and_what_became_of_it(up: Up, gateway: str, number: str):
    ran = up.run("simulate", gateway, "--invoice", number)
    other = issued(up, GATEWAYS[gateway][0])
    forged = up.run("simulate", gateway, "--invoice", other, "--bad-signature")

    assert ran.returncode == 0, ran.stderr
    assert f"121.00 {GATEWAYS[gateway][0]} for {number}" in ran.stdout
    for said in ("Posted", "Kept", "webhook", "payment → invoice", "3 reminders cancelled"):
        assert said in ran.stdout
    assert "Refused at the door" in forged.stdout
    assert "nothing changed" in forged.stdout


def test_what_no_customer_could_pay_is_refused(up: Up, gateway: str, number: str):
    more = up.run("simulate", gateway, "--invoice", number, "--amount", "121.01")
    unknown = up.run("simulate", gateway, "--invoice", "INV-9999")
    francs = up.run("simulate", gateway, "--invoice", issued(up, "XAF"))

    assert "at most what is open there" in more.stderr
    assert "open are INV-" in unknown.stderr
    assert "takes no XAF; INV-" in francs.stderr
    assert {more.returncode, unknown.returncode, francs.returncode} == {1}


def test_an_endpoint_that_takes_forgeries_fails_the_command(
    run: Run, wire: Wire, paypal: Running, invoice: Standing
):
    with serving(_gullible) as address:
        wire(BASE_URL=address)
        ran = run("simulate", "paypal", "--invoice", str(invoice.number), "--bad-signature")

    assert ran.code == 1


def test_without_a_web_the_command_that_starts_it_is_named_and_knobs_are_turned_back(
    run: Run, wire: Wire, paypal: Running, invoice: Standing
):
    wire(BASE_URL="http://127.0.0.1:1")
    paypal.turn("paypal", reorder=0.25, copies=2)

    ran = run("simulate", "paypal", "--invoice", str(invoice.number), "--duplicate", "9")

    assert ran.code == 1
    assert "make run" in ran.err
    stands = paypal.ask(lambda world: world.knobs["paypal"].told())
    assert (stands["reorder"], stands["duplicate"], stands["copies"]) == (0.25, 0, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PAYPAL_WEBHOOK_ID": None}, "PayPal is not configured"),
        ({"PAYPAL_API_BASE": "https://api-m.paypal.com"}, "live money"),
        ({"PAYPAL_API_BASE": "https://api-m.sandbox.paypal.com"}, "PAYPAL_API_BASE leads to no"),
        ({"PAYPAL_API_BASE": "http://127.0.0.1:1/paypal"}, "PAYPAL_API_BASE leads to no"),
    ],
)
def test_only_a_sandbox_is_asked_to_pretend(
    run: Run,
    wire: Wire,
    paypal: Running,
    invoice: Standing,
    settings: dict[str, str | None],
    said: str,
):
    wire(**settings)

    ran = run("simulate", "paypal", "--invoice", str(invoice.number))

    assert ran.code == 1
    assert said in ran.err
    assert paypal.counted("paypal") == {}
