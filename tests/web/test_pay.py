"""A hosted link in a browser: it tells the truth from the books, and a click opens one session."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from domain.facts import Status
from domain.ids import Kind, public
from ledger.links import attempting, granting, showing
from ledger.links.granting import Target
from ledger.store import Store
from tests.builders import a_report, ron
from tests.web import paying
from tests.web.conftest import NOW
from tests.web.paying import Site, buttons, said
from web.pay import paying as clicks


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    with paying.opened(store) as site:
        yield site


def pay(site: Site, order_id: str, amount: str = "121") -> None:
    site.desk.deliver([a_report(ron(amount), meant_for=order_id)])
    site.desk.settle()


def test_a_page_shows_who_is_paid_what_for_and_how_much(site: Site):
    invoice = site.desk.invoice(site.desk.open(), "1000")
    path = site.link(invoice)
    pay(site, "INV-0001", "21.50")

    html = site.page(path)

    for text in ("Demo SRL", "INV-0001", "1.210,00 RON", "21,50 RON", "1.188,50 RON"):
        assert text in html
    assert 'lang="ro"' in html
    assert buttons(html) == ["stripe"]
    assert "RO49AAAA1B31007593840000" in html


def test_a_page_is_in_the_clients_language_and_can_be_switched(site: Site):
    site.desk.open()
    invoice = site.desk.invoice(site.desk.client(language="de"))
    path = site.link(invoice)

    assert "Pay with" in site.page(path)
    assert "Plătește cu" in site.page(path, lang="ro")
    assert "121.00 RON" in site.page(path, lang="en")
    assert "Pay with" in site.page(path, lang="xx")


def test_a_click_leads_to_the_gateways_page(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))

    url = site.pressed(path)

    assert url == f"{site.account.url}/c/pay/cs_test_1"
    (asked,) = site.account.orders
    assert asked.form["line_items[0][price_data][unit_amount]"] == "12100"
    assert asked.form["client_reference_id"] == "INV-0001-1"
    assert asked.form["success_url"] == f"http://127.0.0.1:1{path}/return?lang=ro&attempt=1"
    assert asked.form["customer_email"] == "ana@example.ro"
    assert asked.key == "link:INV-0001-1"
    assert site.desk.query("SELECT session, state FROM attempts") == [("cs_test_1", "open")]


def test_twenty_clicks_at_once_open_one_session(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))

    with ThreadPoolExecutor(20) as hands:
        urls = list(hands.map(lambda _: site.pressed(path), range(20)))

    assert len(set(urls)) == 1
    assert len(site.account.sessions) == 1
    assert {asked.key for asked in site.account.orders} == {"link:INV-0001-1"}
    assert site.states() == [("INV-0001-1", "open")]


def test_many_clicks_after_the_session_is_stored_ask_nobody(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    first = site.pressed(path)
    asked = len(site.account.orders)

    assert {site.pressed(path) for _ in range(5)} == {first}
    assert len(site.account.orders) == asked == 1


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("point", ["before the call", "after the call"])
def test_a_death_leaves_what_the_next_click_goes_on_with(
    site: Site, monkeypatch: pytest.MonkeyPatch, point: str
):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)
    gateway = site.hosted.gateways["stripe"]

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        if point == "before the call":
            dying.setattr(clicks, "_opened", dies)
        else:
            dying.setattr(attempting, "opened", dies)
        with site.store.transaction() as books:
            shown = showing.find(books, path.removeprefix("/pay/"), NOW)
        assert shown is not None
        counter = clicks.Counter(site.store, f"http://127.0.0.1:1{path}", lambda: NOW)
        click = attempting.Click("stripe", gateway.account, "ro", currency="RON")
        with pytest.raises(Killed):
            clicks.open_page(counter, gateway, shown, click)
    before = site.desk.query("SELECT order_id, session, expires_at FROM attempts")
    sessions = len(site.account.sessions)

    url = site.pressed(path)

    assert before[0][:2] == ("INV-0001-1", None)
    assert sessions == (0 if point == "before the call" else 1)
    assert url == f"{site.account.url}/c/pay/cs_test_1"
    assert len(site.account.sessions) == 1
    assert {asked.key for asked in site.account.orders} == {"link:INV-0001-1"}
    assert len({str(asked.form) for asked in site.account.orders}) == 1


@pytest.mark.parametrize("trouble", ["silence", 500])
def test_a_lost_answer_is_asked_for_again_by_the_next_click(site: Site, trouble: int | str):
    path = site.link(site.desk.invoice(site.desk.open()))
    site.account.troubles.append(trouble)

    lost = site.click(path)
    url = site.pressed(path)

    assert lost.status_code == 503
    assert "Încercați din nou" in lost.text
    assert url.endswith("/cs_test_1")
    assert len(site.account.sessions) == 1


def test_a_gateway_that_answers_its_failure_again_gets_another_order(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    site.account.troubles += [500, 500, None]
    site.click(path)
    site.desk.query("UPDATE attempts SET created_at = '2026-11-20T09:00Z' RETURNING 1")

    site.click(path)
    url = site.pressed(path)

    assert url.endswith("/cs_test_2")
    assert site.states() == [("INV-0001-1", "cancelled"), ("INV-0001-2", "open")]


def test_a_refused_order_is_given_up_and_says_so(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    site.account.troubles.append(400)

    refused = site.click(path)

    assert refused.status_code == 409
    assert buttons(refused.text) == ["stripe"]
    assert site.states() == [("INV-0001-1", "cancelled")]
    assert site.pressed(path).endswith("/cs_test_2")


def test_an_order_that_differs_from_what_the_gateway_knows_is_begun_anew(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    site.account.troubles.append("silence")
    site.click(path)
    site.desk.query("UPDATE clients SET email = 'new@example.ro' RETURNING 1")

    assert site.pressed(path).endswith("/cs_test_2")
    assert site.states() == [("INV-0001-1", "cancelled"), ("INV-0001-2", "open")]


def test_the_page_follows_the_books(site: Site):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)
    order = "INV-0001-1"
    site.pressed(path)
    seen = [(said(site.page(path)), said(site.page(f"{path}/return")))]

    for status in (Status.FAILED, Status.PENDING, Status.SUCCEEDED):
        told = a_report(ron("121"), reference=f"pi_{status}", status=status, meant_for=order)
        if status is Status.PENDING:
            site.pressed(path)
            told = a_report(ron("121"), reference="pi_2", status=status, meant_for="INV-0001-2")
        if status is Status.SUCCEEDED:
            told = a_report(ron("121"), reference="pi_2", meant_for="INV-0001-2")
        site.desk.deliver([told])
        site.desk.settle()
        seen.append((said(site.page(path)), said(site.page(f"{path}/return"))))

    assert seen == [
        (None, "processing"),
        ("failed", "failed"),
        ("processing", "processing"),
        ("paid", "paid"),
    ]
    assert buttons(site.page(path)) == []


def test_a_paid_invoice_opens_nothing(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    pay(site, "INV-0001")

    answer = site.click(path)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://127.0.0.1:1{path}"
    assert site.account.orders == []
    assert site.states() == []


def test_a_return_that_nobody_paid_marks_nothing(site: Site):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)
    site.pressed(path)

    for forged in ("?paid=1", "?session_id=cs_test_1&status=succeeded", "?token=x&PayerID=y"):
        assert said(site.browser.get(f"{path}/return{forged}").text) == "processing"
        assert said(site.browser.get(f"{path}{forged}").text) is None

    assert site.desk.standing(invoice.id).is_open
    assert site.desk.postings()[1:] == []


def test_looking_changes_nothing(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    tables = ("attempts", "outbox", "journal", "pay_links", "pay_tokens", "inbox")

    def rows() -> list[object]:
        return [site.desk.query(f"SELECT * FROM {name} ORDER BY 1") for name in tables]

    before = rows()

    for _ in range(3):
        site.page(path)
        site.page(f"{path}/return")
        assert site.browser.head(path).status_code == 200

    assert rows() == before
    assert site.account.asked == []


def test_what_a_form_says_beside_the_choice_is_air(site: Site):
    client = site.desk.open()
    one, other = site.desk.invoice(client), site.desk.invoice(client, "1")
    path = site.link(one)

    site.pressed(
        path,
        amount="1.00",
        currency="EUR",
        choice="1",
        invoice=str(public(Kind.INVOICE, other.id)),
        order_id="INV-0002-1",
        success_url="https://evil.example",
        lang="xx",
    )

    (asked,) = site.account.orders
    assert asked.form["line_items[0][price_data][unit_amount]"] == "12100"
    assert asked.form["line_items[0][price_data][currency]"] == "ron"
    assert asked.form["metadata[invoice_id]"] == "INV-0001"
    assert asked.form["success_url"].startswith("http://127.0.0.1:1/pay/")


def test_a_part_is_paid_where_the_link_allows_it(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()), takes_parts=True)

    wrong = [site.click(path, amount=text) for text in ("0", "121,01", "x", "-1", "1e3")]
    site.pressed(path, amount="20,50")

    assert {answer.status_code for answer in wrong} == {422}
    assert "cel mult cât este de plată" in wrong[0].text
    (asked,) = site.account.orders
    assert asked.form["line_items[0][price_data][unit_amount]"] == "2050"


def test_a_clients_link_pays_all_or_what_is_chosen(site: Site):
    client = site.desk.open()
    other = site.desk.client()
    invoices = [site.desk.invoice(client, price) for price in ("100", "200", "300")]
    foreign = site.desk.invoice(other)
    path = site.granted(Target(client, None))
    named = [str(public(Kind.INVOICE, each.id)) for each in (*invoices[:2], foreign)]

    html = site.page(path)
    site.pressed(path)
    site.pressed(path, choice="1", invoice=named)
    nothing = site.click(path, choice="1")

    assert html.count('type="checkbox"') == 3
    assert "726,00 RON" in html
    amounts = [
        asked.form["line_items[0][price_data][unit_amount]"] for asked in site.account.orders
    ]
    assert amounts == ["72600", "36300"]
    assert site.account.orders[1].form["metadata[invoice_id]"] == "INV-0001-2"
    assert nothing.headers["location"].endswith(path)


def test_a_part_of_what_is_chosen_is_paid_where_the_link_allows_it(site: Site):
    client = site.desk.open()
    first, _ = (site.desk.invoice(client, price) for price in ("100", "200"))
    path = site.granted(Target(client, None), takes_parts=True)
    chosen = {"choice": "1", "invoice": str(public(Kind.INVOICE, first.id))}

    html = site.page(path)
    site.pressed(path, amount="", **chosen)
    site.pressed(path, amount="100", **chosen)
    beyond = site.click(path, amount="121.01", **chosen)

    assert 'name="amount" inputmode="decimal" autocomplete="off" value=""' in html
    amounts = [
        asked.form["line_items[0][price_data][unit_amount]"] for asked in site.account.orders
    ]
    assert amounts == ["12100", "10000"]
    assert beyond.status_code == 422


def test_currencies_are_paid_apart(site: Site):
    client = site.desk.open()
    site.desk.invoice(client)
    site.desk.invoice(client, currency="EUR")
    path = site.granted(Target(client, None))

    html = site.page(path)
    site.pressed(path, currency="EUR")

    assert html.count("<form") == 2
    assert site.account.orders[0].form["line_items[0][price_data][currency]"] == "eur"


def test_a_currency_that_nobody_serves_has_no_button(site: Site):
    path = site.link(site.desk.invoice(site.desk.open(), currency="CUP"))

    html = site.page(path)
    refused = site.click(path)

    assert buttons(html) == []
    assert "transfer bancar" in html
    assert refused.status_code == 409
    assert site.states() == []


def test_a_link_that_was_taken_back_or_has_expired_is_gone(site: Site):
    client = site.desk.open()
    revoked, expired = site.desk.invoice(client), site.desk.invoice(client)
    paths = [site.link(revoked), site.link(expired)]
    with site.store.transaction() as books:
        granting.revoke(books, Target(client, revoked.id), "test", NOW)
    site.desk.query(
        f"UPDATE pay_links SET expires_at = '{NOW - timedelta(seconds=1)}'"
        f" WHERE invoice_id = {expired.id} RETURNING 1"
    )

    for path, state in zip(paths, ("revoked", "expired"), strict=True):
        for answer in (
            site.browser.get(path),
            site.browser.get(f"{path}/return"),
            site.click(path),
        ):
            assert answer.status_code == 410
            assert said(answer.text) == state
            assert "Demo SRL" not in answer.text
    assert site.states() == []


def test_who_pays_in_a_session_that_outlasts_its_link_is_told_so(site: Site):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)
    site.pressed(path)
    site.desk.query(f"UPDATE pay_links SET expires_at = '{NOW - timedelta(seconds=1)}' RETURNING 1")
    told = [site.browser.get(path), site.browser.get(f"{path}/return")]
    site.desk.deliver([a_report(ron("121"), meant_for=invoice.number)])
    site.desk.settle()
    told += [site.browser.get(f"{path}/return"), site.browser.get(path), site.click(path)]

    assert [said(answer.text) for answer in told] == [
        *("expired", "processing"),
        *("paid", "paid", "paid"),
    ]
    assert {answer.status_code for answer in told} == {410}
    assert ['http-equiv="refresh"' in answer.text for answer in told] == [0, 1, 0, 0, 0]
    assert not any("Demo SRL" in answer.text or buttons(answer.text) for answer in told)


@pytest.mark.parametrize("close", ["void", "credit_note"])
def test_an_invoice_closed_without_money_says_so(site: Site, close: str):
    invoice = site.desk.invoice(site.desk.open())
    path = site.link(invoice)

    getattr(site.desk, close)(invoice.id)

    html = site.page(path)
    assert said(html) == "closed"
    assert buttons(html) == []


def test_every_answer_is_kept_framed_and_referred_to_by_nobody(site: Site):
    path = site.link(site.desk.invoice(site.desk.open()))
    answers: list[httpx.Response] = [
        site.browser.get(path),
        site.browser.get(f"{path}/return"),
        site.browser.get("/pay/nobody"),
        site.click(path),
        site.click(path, gateway="nobody"),
        site.browser.post(path, content=b"x" * 20_000),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 303, 409, 413]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        assert "src=" not in answer.text
