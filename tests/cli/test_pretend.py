"""A newcomer's run: gateways that nobody has keys for are pretended, and their money is booked."""

import html as markup
import re
import stat
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from cli import keys, pretend
from runtime.settings import Settings
from tests.cli.test_up import Up, running
from tests.sandbox.customers import order_body, session_params
from tests.waiting import eventually

URL, WEB = "http://127.0.0.1:1", "http://127.0.0.1:2"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up")) as started:
        yield started


def variables(up: Up) -> Mapping[str, str]:
    lines = (up.local / "run.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def api(up: Up, path: str) -> Any:
    told = up.state
    bearer = {"Authorization": f"Bearer {told['api_token']}"}
    return httpx.get(f"{told['web']}/api/{path}", headers=bearer).raise_for_status().json()


def in_lei(up: Up) -> Any:
    """One of the demo's invoices that is still to be paid; there are more than tests that ask."""
    found = [each for each in api(up, "invoices")["data"] if each["currency"] == "RON"]
    return next(each for each in found if Decimal(each["balance"]) > 0)


def test_a_customer_of_the_pretend_stripe_pays_an_invoice(up: Up) -> None:
    told = variables(up)
    invoice = in_lei(up)
    minor = int(invoice["balance"].replace(".", ""))
    with httpx.Client(base_url=told["STRIPE_API_BASE"]) as stripe:
        stripe.headers["Authorization"] = f"Bearer {told['STRIPE_API_KEY']}"
        session = stripe.post(
            "/v1/checkout/sessions", data=flat(session_params(invoice["number"], minor))
        )
        session.raise_for_status()

        stripe.post(f"/pay/{session.json()['id']}/pay")

    eventually(lambda: api(up, f"invoices/{invoice['id']}")["status"] == "paid", seconds=60)
    assert up.run("audit").returncode == 0


def test_an_approved_order_of_the_pretend_paypal_is_captured_and_booked(up: Up) -> None:
    told = variables(up)
    with httpx.Client(base_url=told["PAYPAL_API_BASE"]) as paypal:
        login = (told["PAYPAL_CLIENT_ID"], told["PAYPAL_CLIENT_SECRET"])
        grant = {"grant_type": "client_credentials"}
        token = paypal.post("/v1/oauth2/token", data=grant, auth=login).json()["access_token"]
        paypal.headers["Authorization"] = f"Bearer {token}"
        order = paypal.post("/v2/checkout/orders", json=order_body("NONE", "24.20")).json()

        paypal.post(f"/checkoutnow/{order['id']}/pay")

    def booked() -> bool:
        found = [each for each in api(up, "payments")["data"] if each["gateway"] == "paypal"]
        return [(each["amount"], each["currency"]) for each in found] == [("24.20", "EUR")]

    eventually(booked, seconds=120)
    assert up.run("audit").returncode == 0


def test_a_customer_of_the_pretend_mobilpay_pays_at_his_link(up: Up) -> None:
    invoice = in_lei(up)
    link = up.run("payment-link", invoice["number"])
    assert link.returncode == 0, link.stderr
    with httpx.Client(trust_env=False, timeout=30) as browser:
        ours = browser.post(link.stdout.strip(), data={"gateway": "mobilpay"})
        html = browser.get(ours.headers["location"]).text
        action = re.search(r'<form method="post" action="([^"]+)">', html)
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)
        assert action is not None
        form = {name: markup.unescape(value) for name, value in fields}
        page = browser.post(markup.unescape(action[1]), data=form).headers["location"]

        back = browser.post(f"{page}/pay").headers["location"]

        assert back.startswith(f"{link.stdout.strip()}/return?")

    eventually(lambda: api(up, f"invoices/{invoice['id']}")["status"] == "paid", seconds=60)
    assert up.run("audit").returncode == 0
    key = up.local / "sandbox-mobilpay" / "notices.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_customer_of_the_pretend_netopia_pays_at_his_link(up: Up) -> None:
    invoice = in_lei(up)
    link = up.run("payment-link", invoice["number"]).stdout.strip()
    with httpx.Client(trust_env=False, timeout=30) as browser:
        page = browser.post(link, data={"gateway": "netopia"}).headers["location"]

        back = browser.post(f"{page.replace('?p=', '/')}/pay").headers["location"]

        assert page.startswith(f"{variables(up)['NETOPIA_API_BASE']}/ui/card?p=")
        assert back.startswith(f"{link}/return?")

    eventually(lambda: api(up, f"invoices/{invoice['id']}")["status"] == "paid", seconds=60)
    assert up.run("audit").returncode == 0
    key = up.local / "sandbox-netopia.pem.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def given(local: Path, **more: Any) -> Settings:
    settings = Settings(local_dir=local, stripe_webhook_secrets=SecretStr("whsec_made"), **more)
    keys.write_privately(local / "secrets.env", "STRIPE_WEBHOOK_SECRETS=whsec_made\n")
    return settings


def planned(local: Path, settings: Settings) -> set[str]:
    sandbox = pretend.plan(local, settings, URL, WEB)
    return {name.partition("_")[0] for name in sandbox.variables} if sandbox else set()


def test_who_has_keys_has_the_real_gateway(tmp_path: Path) -> None:
    stripe = {"stripe_api_key": SecretStr("sk_test_own")}
    paypal = {"paypal_client_id": "own"}

    mobilpay = {"mobilpay_signature": "AAAA-BBBB-CCCC-DDDD-EEEE"}
    netopia = {"netopia_public_key": "-----BEGIN PUBLIC KEY-----"}
    everywhere = {"STRIPE", "PAYPAL", "MOBILPAY", "NETOPIA"}

    assert planned(tmp_path, given(tmp_path)) == everywhere
    assert planned(tmp_path, given(tmp_path, **stripe)) == everywhere - {"STRIPE"}
    assert planned(tmp_path, given(tmp_path, **paypal)) == everywhere - {"PAYPAL"}
    assert planned(tmp_path, given(tmp_path, **mobilpay)) == everywhere - {"MOBILPAY"}
    assert planned(tmp_path, given(tmp_path, **netopia)) == everywhere - {"NETOPIA"}
    assert planned(tmp_path, given(tmp_path, **stripe, **paypal, **mobilpay, **netopia)) == set()


def test_who_set_a_webhook_secret_of_stripes_himself_has_no_pretend_stripe(tmp_path: Path) -> None:
    settings = given(tmp_path).model_copy(
        update={"stripe_webhook_secrets": SecretStr("whsec_his_own")}
    )

    assert planned(tmp_path, settings) == {"PAYPAL", "MOBILPAY", "NETOPIA"}


def flat(value: Any, name: str = "") -> dict[str, str]:
    """As Stripe's forms nest: `a[b][0]`."""
    if not isinstance(value, dict | list):
        return {name: str(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, str] = {}
    for key, each in items:
        found |= flat(each, f"{name}[{key}]" if name else str(key))
    return found


def test_no_port_is_held_where_there_is_nothing_to_pretend(tmp_path: Path) -> None:
    pos = "AAAA-BBBB-CCCC-DDDD-EEEE"
    own = {"paypal_client_id": "own", "mobilpay_signature": pos, "netopia_pos_signature": pos}
    all_ = given(tmp_path, stripe_api_key=SecretStr("sk_test_own"), **own)

    with pretend.door(all_) as closed, pretend.door(given(tmp_path)) as opened:
        assert closed is None
        assert opened is not None
