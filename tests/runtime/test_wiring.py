"""What a process is made of follows from its settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import Refused
from runtime import wiring
from runtime.settings import Settings, settings
from tests import mobilpay_seal
from tests.netopia_seal import POS, a_pen


@pytest.fixture(autouse=True)
def _forget_settings() -> Iterator[None]:
    def forget() -> None:
        settings.cache_clear()
        wiring.gateways.cache_clear()
        wiring.store.cache_clear()

    forget()
    yield
    forget()


def test_a_gateway_is_there_when_it_has_its_secrets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_one, whsec_two")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_x")
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_1")

    assert {name: each.account for name, each in wiring.gateways().items()} == {
        "stripe": "acct_1/live"
    }


def test_a_gateway_without_secrets_is_not_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", " , ")

    assert wiring.gateways() == {}


def test_settings_that_name_another_account_are_refused(
    monkeypatch: pytest.MonkeyPatch, fresh_dsn: str
):
    monkeypatch.setenv("DATABASE_URL", fresh_dsn)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_one")
    wiring.confirm_accounts()
    wiring.store().close()

    settings.cache_clear()
    wiring.gateways.cache_clear()
    monkeypatch.setenv("STRIPE_ACCOUNT", "acct_2")

    with pytest.raises(Refused, match="account_changed"):
        wiring.confirm_accounts()
    wiring.store().close()


@pytest.mark.parametrize("address", [wiring.database_url, wiring.broker_url])
def test_a_missing_address_names_its_setting(address, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("BROKER_URL", raising=False)

    with pytest.raises(Refused, match=address.__name__.upper()):
        address()


@pytest.mark.parametrize(
    ("base", "mode"),
    [
        (None, "live"),
        ("https://api.paypal.com", "live"),
        ("https://api-m.sandbox.paypal.com", "test"),
        ("http://127.0.0.1:8450/paypal", "test"),
        ("https://api-m.paypal.com.evil.tld", "test"),
    ],
)
def test_paypal_is_there_with_a_webhook_id_in_the_mode_of_its_api(
    base: str | None, mode: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PAYPAL_WEBHOOK_ID", "96605875FF6516633")
    monkeypatch.setenv("PAYPAL_MERCHANT_ID", "ABCDEFGHIJKL1")
    if base:
        monkeypatch.setenv("PAYPAL_API_BASE", base)

    assert wiring.gateways()["paypal"].account == f"ABCDEFGHIJKL1/{mode}"


def test_nobody_starts_with_the_simulators_webhook_id(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAYPAL_WEBHOOK_ID", "WEBHOOK_ID")

    with pytest.raises(Refused, match="simulator"):
        wiring.gateways()


@pytest.mark.parametrize(
    ("base", "mode"),
    [
        (None, "live"),
        ("https://secure.netopia-payments.com", "live"),
        ("https://secure.netopia-payments.com/api", "live"),
        ("https://secure-sandbox.netopia-payments.com", "test"),
        ("https://secure.sandbox.netopia-payments.com", "test"),
        ("http://127.0.0.1:8450/netopia", "test"),
        ("https://secure.mobilpay.ro.evil.tld/pay", "test"),
    ],
)
def test_netopia_is_there_with_its_key_in_the_mode_of_its_api(
    base: str | None, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "public.pem").write_text(a_pen().pem)
    monkeypatch.setenv("NETOPIA_POS_SIGNATURE", POS)
    monkeypatch.setenv("NETOPIA_PUBLIC_KEY_FILE", str(tmp_path / "public.pem"))
    if base:
        monkeypatch.setenv("NETOPIA_API_BASE", base)

    found = wiring.gateways()["netopia"]

    assert (found.account, found.serves("RON")) == (f"{POS}/{mode}", False)


@pytest.mark.parametrize(
    ("known", "missing"),
    [("NETOPIA_POS_SIGNATURE", "NETOPIA_PUBLIC_KEY"), ("NETOPIA_PUBLIC_KEY", "NETOPIA_POS_SIG")],
)
def test_half_of_what_netopia_needs_names_the_other_half(
    known: str, missing: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(known, {"NETOPIA_POS_SIGNATURE": POS}.get(known, a_pen().pem))

    with pytest.raises(Refused, match=missing):
        wiring.gateways()


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        (None, "live"),
        ("https://secure.mobilpay.ro/en", "live"),
        ("https://sandboxsecure.mobilpay.ro", "test"),
        ("https://secure.mobilpay.ro.evil.tld", "test"),
    ],
)
def test_mobilpay_is_there_with_its_keys_in_the_mode_of_its_page(
    url: str | None, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "private.key").write_text(mobilpay_seal.pem("ours"))
    (tmp_path / "public.cer").write_text(mobilpay_seal.certificate("theirs"))
    (tmp_path / ".env").write_text(f"MOBILPAY_PRIVATE_KEY_FILE={tmp_path}/private.key\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOBILPAY_SIGNATURE", mobilpay_seal.SIGNATURE)
    monkeypatch.setenv("MOBILPAY_PUBLIC_CERT_FILE", str(tmp_path / "public.cer"))
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    if url:
        monkeypatch.setenv("MOBILPAY_URL", url)

    found = wiring.gateways()["mobilpay"]

    assert (found.account, found.serves("RON")) == (f"{mobilpay_seal.SIGNATURE}/{mode}", True)


def test_a_file_that_a_run_has_announced_is_read_unless_one_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "theirs").write_text("of the run")
    (tmp_path / "ours").write_text("of .env")
    (tmp_path / "run.env").write_text(f"MOBILPAY_PUBLIC_CERT_FILE={tmp_path}/theirs\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path))

    announced = Settings().mobilpay_public_cert
    (tmp_path / ".env").write_text(f"MOBILPAY_PUBLIC_CERT_FILE={tmp_path}/ours\n")
    chosen = Settings().mobilpay_public_cert

    assert (announced, chosen) == ("of the run", "of .env")


@pytest.mark.parametrize(
    ("settings_", "missing"),
    [
        ({"SECRET_KEY": "s" * 32}, "MOBILPAY_PRIVATE_KEY"),
        ({"MOBILPAY_PRIVATE_KEY": mobilpay_seal.pem("ours")}, "SECRET_KEY"),
    ],
    ids=["no key", "no secret"],
)
def test_half_of_what_mobilpay_needs_names_the_other_half(
    settings_: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MOBILPAY_SIGNATURE", mobilpay_seal.SIGNATURE)
    for name, value in settings_.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Refused, match=missing):
        wiring.gateways()


@pytest.mark.parametrize(
    ("settings_", "url"),
    [
        ({}, None),
        ({"MOBILPAY_API_USER": "u"}, None),
        ({"MOBILPAY_API_PASSWORD": "p"}, None),
        ({"MOBILPAY_API_USER": "u", "MOBILPAY_API_PASSWORD": "p"}, "/mobilpay/api/payment2/"),
        (
            {
                "MOBILPAY_API_USER": "u",
                "MOBILPAY_API_PASSWORD": "p",
                "MOBILPAY_API_URL": "http://127.0.0.1:9/other/",
            },
            "/other/",
        ),
    ],
    ids=str,
)
def test_mobilpay_gives_back_below_its_page_with_a_user_and_a_password(
    settings_: dict[str, str], url: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MOBILPAY_SIGNATURE", mobilpay_seal.SIGNATURE)
    monkeypatch.setenv("MOBILPAY_PRIVATE_KEY", mobilpay_seal.pem("ours"))
    monkeypatch.setenv("MOBILPAY_URL", "http://127.0.0.1:9/mobilpay/")
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    for name, value in settings_.items():
        monkeypatch.setenv(name, value)

    found = wiring.gateways()
    soap = wiring._mobilpay_soap("A")

    able = {("mobilpay", f"{mobilpay_seal.SIGNATURE}/test")} if url else set()
    assert wiring.able_to_refund(found) == able
    assert (soap.url if soap else None) == (url and f"http://127.0.0.1:9{url}")
    assert "admin.netopia-payments.com" in wiring.panels(found)["mobilpay"]
