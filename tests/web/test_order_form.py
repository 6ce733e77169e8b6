"""MobilPay takes a form alone: our page carries the sealed order on, and nothing else runs."""

import base64
import hashlib
import html as markup
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import etree

from domain.errors import Refused, Untrusted
from domain.money import Money
from gateways.capabilities import Verb
from gateways.port import Order
from ledger.links import granting
from ledger.links.granting import Target
from ledger.store import Store
from tests import mobilpay_seal as seal
from tests.builders import at
from tests.mobilpay_seal import Seal
from tests.web import paying
from tests.web.conftest import NOW
from tests.web.paying import Site, buttons

ORDER = Order(
    order_id="INV-2026-0001-1",
    references=("INV-2026-0001",),
    description="Factura INV-2026-0001 & altele",
    money=Money("RON", 120_50),
    language="ro",
    seller_name="Demo SRL",
    return_url="https://merchant.test/pay/x/return?lang=ro",
    cancel_url="https://merchant.test/pay/x?lang=ro",
    expires_at=at("2026-11-20T13:34:44"),
    key="link:1",
    email="ana@example.ro",
    form_url="/orders/1?lang=ro",
)


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    with paying.opened(store, "", seal.a_mobilpay()) as site:
        yield site


def led(site: Site, path: str, **form: object) -> str:
    """The path of our own page that a click at MobilPay's button leads to."""
    url = urlsplit(site.pressed(path, gateway="mobilpay", **form))
    assert url.path.startswith(f"{path}/orders/")
    return f"{url.path}?{url.query}"


def form(html: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what is in it."""
    action = re.search(r'<form method="post" action="([^"]+)">', html)
    assert action
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)
    return markup.unescape(action[1]), {name: markup.unescape(text) for name, text in fields}


def ordered(html: str) -> etree._Element:
    """The order in a page, as MobilPay opens it."""
    return etree.fromstring(seal.opened(form(html)[1]))


def test_a_click_leads_to_a_form_that_mobilpay_can_open(site: Site):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)
    assert buttons(site.page(path)) == ["stripe", "mobilpay"]

    html = site.page(led(site, path))

    action, fields = form(html)
    assert action == seal.PAGE_URL
    assert sorted(fields) == ["cipher", "data", "env_key", "iv"]
    order = ordered(html)
    assert (order.get("id"), order.get("type")) == (f"{invoice.number}-1", "card")
    assert dict(order.find("invoice").attrib) == {"currency": "RON", "amount": "121.00"}
    secret = seal.secret(f"{invoice.number}-1", Money("RON", 121_00))
    assert order.findtext("url/confirm") == f"{seal.CONFIRM_URL}/{secret}"
    assert order.findtext("url/return") == f"http://127.0.0.1:1{path}/return?lang=ro&attempt=1"


def test_the_page_goes_on_by_itself_and_runs_nothing_else(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))

    answer = site.browser.get(led(site, path))

    (script,) = re.findall(r"<script>(.*?)</script>", answer.text)
    policy = answer.headers["content-security-policy"]
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert script == "document.forms[0].submit()"
    assert f"script-src 'sha256-{hashed}'" in policy
    assert "default-src 'none'" in policy
    assert "<button>" in answer.text
    assert "script-src" not in site.browser.get(path).headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_twenty_clicks_are_one_order_sealed_anew(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))

    with ThreadPoolExecutor(20) as customers:
        pages = list(customers.map(lambda _: site.page(led(site, path)), range(20)))

    assert len({form(page)[1]["data"] for page in pages}) == 20
    assert len({etree.tostring(ordered(page)) for page in pages}) == 1
    assert site.states() == [("INV-0001-1", "open")]


def test_looking_changes_nothing_and_no_token_is_stored(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    page = led(site, path)
    before = site.desk.query("SELECT * FROM attempts")

    for _ in range(3):
        site.page(page)

    assert site.desk.query("SELECT * FROM attempts") == before
    token = path.rpartition("/")[2]
    assert token not in str(before)


@pytest.mark.parametrize("why", ["paid", "revoked", "unknown", "another link", "huge", "ended"])
def test_an_order_that_nothing_is_to_be_paid_by_leads_back(why: str, site: Site):
    client = site.desk.open()
    invoice = site.desk.invoice(client)
    path = site.link(invoice)
    page = led(site, path)
    match why:
        case "paid":
            site.desk.write_off(invoice.id)
        case "revoked":
            site.store.act(
                lambda books: granting.revoke(books, Target(client, invoice.id), "test", NOW)
            )
        case "unknown":
            page = f"{path}/orders/99"
        case "another link":
            path = site.link(site.desk.invoice(client))
            page = f"{path}/orders/1"
        case "huge":
            page = f"{path}/orders/{10**30}"
        case _:
            with site.store.transaction() as books:
                books.run("UPDATE attempts SET state = 'expired'")

    answer = site.browser.get(page)

    assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (303, path)


def test_a_guessed_token_finds_no_order(site: Site):
    assert site.browser.get("/pay/guessed/orders/1").status_code == 404


def test_other_currencies_than_lei_have_no_button(site: Site):
    path = site.link(site.desk.invoice(site.desk.open(), currency="EUR"))

    assert buttons(site.page(path)) == ["stripe"]


def test_an_order_is_said_as_mobilpay_wants_it():
    gateway = seal.a_mobilpay()

    told = etree.fromstring(seal.opened(gateway.form(ORDER).fields))
    recorded = etree.fromstring(seal.recorded("order"))

    assert dict(told.attrib) == dict(recorded.attrib)
    assert [child.tag for child in told] == [child.tag for child in recorded]
    assert told.findtext("signature") == recorded.findtext("signature")
    assert told.findtext("ipn_cipher") == "aes-256-cbc"
    assert told.findtext("invoice/details") == "Factura+INV-2026-0001+%26+altele"
    assert told.findtext("invoice/contact_info/billing/email") == "ana%40example.ro"
    assert gateway.hosted_link(ORDER).url == "/orders/1?lang=ro"


@pytest.mark.parametrize("has_rc4", [False, True])
def test_one_cipher_is_spoken_and_with_the_old_one_both_are_understood(has_rc4: bool):
    gateway = seal.a_mobilpay(has_rc4=has_rc4)
    spoken = "rc4" if has_rc4 else "aes-256-cbc"

    first, second = gateway.form(ORDER).fields, gateway.form(ORDER).fields

    assert first["cipher"] == spoken
    assert etree.fromstring(seal.opened(first)).findtext("ipn_cipher") == spoken
    assert (first["env_key"] != second["env_key"], first["data"] != second["data"]) == (True, True)
    assert seal.opened(first) == seal.opened(second)
    understood = []
    for cipher in ("aes-256-cbc", "rc4"):
        arrived = seal.delivery(seal.body(seal=Seal(cipher=cipher)))
        with suppress(Untrusted):
            gateway.authenticate(arrived, {}, at("2026-11-20T12:00"))
            understood.append(cipher)
    assert understood == (["aes-256-cbc", "rc4"] if has_rc4 else ["aes-256-cbc"])


@pytest.mark.parametrize("has_rc4", [False, True])
def test_mobilpay_opens_what_we_seal_and_we_open_what_it_answers(has_rc4: bool):
    """The order comes back with a notice in it, sealed for us, to the address it names."""
    gateway = seal.a_mobilpay(has_rc4=has_rc4)
    order = seal.opened(gateway.form(ORDER).fields).decode()
    confirm = etree.fromstring(order.encode()).findtext("url/confirm") or ""
    notice = re.search(r"<mobilpay.*</mobilpay>", seal.recorded().decode(), re.S)
    assert notice
    answered = order.replace("</order>", f"{notice[0]}</order>").encode()

    cipher = etree.fromstring(order.encode()).findtext("ipn_cipher")
    arrived = seal.delivery(seal.body(answered, Seal(cipher=cipher)), confirm.rpartition("/")[2])
    envelope = gateway.authenticate(arrived, {}, at("2026-11-20T12:00"))

    reading = gateway.read(envelope.kept or b"")
    assert isinstance(reading, tuple)
    assert reading[0].fact.meant_for == (ORDER.order_id,)  # type: ignore[union-attr]  # a report


@pytest.mark.parametrize("language", ["ro", "en"])
def test_the_page_speaks_the_customers_language(language: str):
    order = replace(ORDER, language=language)

    assert seal.a_mobilpay().form(order).url == seal.PAGE_URL + ("/en" if language == "en" else "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"money": Money("RON", 9)}, "unsupported_amount"),
        ({"money": Money("RON", 100_000_00)}, "unsupported_amount"),
        ({"money": Money("EUR", 100_00)}, "unsupported_currency"),
        ({"order_id": "x" * 65}, "unsupported_order"),
    ],
)
def test_what_mobilpay_would_not_take_is_refused_before_anybody_goes_there(
    changes: dict[str, Any], code: str
):
    gateway = seal.a_mobilpay()
    order = replace(ORDER, **changes)

    for verb in (gateway.hosted_link, gateway.form):
        with pytest.raises(Refused, match=code):
            verb(order)


def test_what_mobilpay_cannot_do_is_unsupported_and_the_table_says_so():
    whole, blind = seal.a_mobilpay(), seal.a_mobilpay(page=False)
    since, until = NOW, NOW + timedelta(days=1)

    assert whole.capabilities.verbs == {Verb.HOSTED_LINK, Verb.FORM}
    assert blind.capabilities.verbs == frozenset()
    assert (whole.serves("RON"), blind.serves("RON")) == (True, False)
    for call in (
        *(lambda verb=verb: verb("1") for verb in (whole.lookup, whole.capture, whole.event)),
        lambda: whole.expire("1"),
        lambda: whole.reported(since, until),
        lambda: blind.hosted_link(ORDER),
        lambda: blind.form(ORDER),
    ):
        with pytest.raises(Refused, match="unsupported"):
            call()
