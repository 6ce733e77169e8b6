"""A seller's `incasso up` asked from outside, and a customer who goes through its pages."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
from playwright.sync_api import Locator, Page, expect

from tests.cli.test_up import Up
from tests.waiting import eventually

# PayPal's capture waits for an errand, and that for its turn of the clockwork.
PATIENCE_SECONDS = 120.0

expect.set_options(timeout=30_000)

_OFFERED = {"EUR": len(("stripe", "paypal")), "RON": len(("stripe", "mobilpay", "netopia"))}
_SAID = {
    "failed": ("nu a reușit", "did not succeed"),
    "processing": ("se confirmă", "is being confirmed"),
    "paid": ("Plătit. Vă mulțumim!", "Paid. Thank you!"),
}


class Shop:
    """The books and the link of an invoice, as the API and the command tell of them."""

    def __init__(self, up: Up) -> None:
        self.up = up
        told = up.state
        self.sandbox: str = told["sandbox"]
        bearer = {"Authorization": f"Bearer {told['api_token']}"}
        self._api = httpx.Client(base_url=f"{told['web']}/api", headers=bearer, timeout=30)

    def billed(self, name: str, currency: str, price: str) -> dict[str, Any]:
        """An issued invoice of a new client."""
        client = self._post("clients", {"name": name, "currency": currency})
        line = {"description": "Ghid", "unitPrice": price, "vatRate": "0", "vatCategory": "Z"}
        draft = self._post("invoices", {"clientId": client["id"], "lines": [line]})
        return self._post(f"invoices/{draft['id']}/send")

    def invoice(self, id_: str) -> dict[str, Any]:
        return self._get(f"invoices/{id_}")

    def payments(self, client_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("payments", client=client_id)["data"]
        return found

    def link(self, number: str) -> str:
        told = self.up.run("payment-link", number)
        assert told.returncode == 0, told.stderr
        return told.stdout.strip()

    def dropped_captures(self) -> int:
        """How many orders that somebody agreed to were not captured."""
        with psycopg.connect(self.up.state["database"]) as books:
            found = books.execute(
                "SELECT count(*) FROM outbox WHERE effect = 'capture' AND state = 'cancelled'"
            ).fetchone()
        assert found is not None
        return int(found[0])

    def close(self) -> None:
        self._api.close()

    def audit(self) -> None:
        told = self.up.run("audit")
        assert told.returncode == 0, told.stdout + told.stderr

    def _get(self, path: str, **asked: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._api.get(path, params=asked).raise_for_status().json()
        return answer

    def _post(self, path: str, body: object = None) -> dict[str, Any]:
        answer = self._api.post(path, json=body)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told


class Customer:
    """Somebody with a phone and the link to his invoice.

    Every state that he is led to is held against the books, and photographed into `album`.
    """

    def __init__(self, shop: Shop, page: Page, invoice: dict[str, Any], album: Path) -> None:
        self.shop = shop
        self.page = page
        self.invoice = invoice
        self.link = shop.link(invoice["number"])
        self._album = album
        self.steps = 0

    def opens_his_link(self) -> None:
        self.page.goto(self.link)

    def may_pay_in_parts(self) -> None:
        told = self.shop.up.run("payment-link", self.invoice["number"], "--parts")
        assert (told.returncode, told.stdout.strip()) == (0, self.link)

    def chooses(self, gateway: str, part: str | None = None) -> None:
        """Presses a gateway's button, and is asked there for what he owes, or wants to pay of it.

        Of MobilPay a page of ours stands between, which goes on by itself.
        """
        if part is not None:
            self.page.locator("input[name=amount]").fill(part)
        self.page.locator(f"button[name=gateway][value={gateway}]").click()
        owed = f"{part or self.invoice['total']} {self.invoice['currency']}"
        expect(self._at_gateway("amount")).to_have_text(owed)
        expect(self._at_gateway("reference")).not_to_be_empty()
        self._photograph(f"at-{gateway}")

    def presses(self, button: str) -> None:
        """One of the gateway's own buttons or ways back."""
        self._at_gateway(button).click()

    def sets_at_the_panel(self, button: str) -> None:
        """What his bank says later of his payment: a button of the sandbox's own page."""
        self.page.goto(self.shop.sandbox)
        article = self.page.locator("article", has_text=self.invoice["number"])
        article.locator(f"[data-test={button}]").click()
        expect(article.locator(f"[data-test={button}]")).to_have_count(0)

    def sees_by_and_by(self, state: str) -> None:
        """The page that a gateway led to brings itself up to date."""
        expect(self.page.locator(f".said.{state}")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)

    def sees_on_looking_again(self, state: str) -> None:
        """The link's own page stands still, and says what the books know.

        The one that a gateway leads back to says `processing` before anybody has told the books.
        """

        def is_there() -> bool:
            self.opens_his_link()
            return self.page.locator(f".said.{state}").is_visible()

        eventually(is_there, seconds=PATIENCE_SECONDS)

    def still_owes(self, amount: str) -> None:
        """The books say so by and by, and then his page."""

        def is_booked() -> bool:
            return bool(self.shop.invoice(self.invoice["id"])["balance"] == amount)

        eventually(is_booked, seconds=PATIENCE_SECONDS)
        kept = self.shop.invoice(self.invoice["id"])
        self.page.goto(f"{self.link}?lang=en")
        expect(self.page.locator(".open dd")).to_have_text(_amount(kept, "balance", "en"))
        self._photograph("part-paid")
        self.shop.audit()
        self.steps += 1

    def has_paid_through(self) -> list[tuple[str, str]]:
        """Each payment's gateway and amount, as the books have them."""
        paid = self.shop.payments(self.invoice["clientId"])
        return sorted((each["gateway"], each["amount"]) for each in paid)

    def waits_until_an_order_is_left_alone(self) -> None:
        eventually(lambda: self.shop.dropped_captures() == 1, seconds=PATIENCE_SECONDS)

    def agrees(self, state: str, *, status: str, open_: str, payments: int) -> None:
        """The page, in both languages, says what the books say, and the books hold together."""
        kept = self.shop.invoice(self.invoice["id"])
        paid = self.shop.payments(self.invoice["clientId"])
        assert (kept["status"], kept["balance"]) == (status, open_)
        assert Decimal(kept["paid"]) == Decimal(kept["total"]) - Decimal(open_)
        booked = [each for each in paid if each["state"] == "POSTED"]
        assert [each["amount"] for each in booked] == [kept["total"]] * payments
        for language in ("ro", "en"):
            self._holds(state, language, kept)
        self.shop.audit()
        self.steps += 1

    def _holds(self, state: str, language: str, kept: dict[str, Any]) -> None:
        self.page.goto(f"{self.link}?lang={language}")
        expect(self.page.locator("html")).to_have_attribute("lang", language)
        expect(self.page.locator(".open dd")).to_have_text(_amount(kept, "balance", language))
        expect(self.page.locator("dl dd").first).to_have_text(_amount(kept, "total", language))
        said = self.page.locator(".said")
        if state == "payable":
            expect(said).to_have_count(0)
        else:
            expect(said).to_have_class(f"said {state}")
            expect(said).to_contain_text(_SAID[state][language == "en"])
        may_pay = state in ("payable", "failed")
        offered = _OFFERED[kept["currency"]]
        expect(self.page.locator("button[name=gateway]")).to_have_count(offered if may_pay else 0)
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 390
        self._photograph(f"{state}-{language}")

    def _at_gateway(self, name: str) -> Locator:
        expect(self.page).to_have_url(re.compile(re.escape(self.shop.sandbox)))
        return self.page.locator(f"[data-test={name}]")

    def _photograph(self, name: str) -> None:
        number = self.invoice["number"]
        self.page.screenshot(path=self._album / f"{number}-{self.steps}-{name}.png", full_page=True)


def _amount(kept: dict[str, Any], name: str, language: str) -> str:
    text = f"{Decimal(kept[name]):,.2f}"
    if language == "ro":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{text} {kept['currency']}"
