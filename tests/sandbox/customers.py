"""What a merchant and a customer do at the pretend gateways, in a line each."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import stripe

from sandbox.running import Running

SECRETS = ("whsec_new", "whsec_old")


def session_params(reference: str = "INV-1", minor: int = 12_050, **more: Any) -> dict[str, Any]:
    """As Incasso would ask for a Checkout Session."""
    return {
        "mode": "payment",
        "client_reference_id": reference,
        "metadata": {"invoice_id": reference},
        "payment_intent_data": {"metadata": {"invoice_id": reference}},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "ron",
                    "unit_amount": minor,
                    "product_data": {"name": f"Factura {reference}"},
                },
            }
        ],
        "success_url": "https://seller.test/ok?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://seller.test/cancel",
        **more,
    }


def order_body(
    reference: str = "INV-1", value: str = "24.20", currency: str = "EUR"
) -> dict[str, Any]:
    """As Incasso would ask for an order."""
    context = {
        "brand_name": "Seller SRL",
        "user_action": "PAY_NOW",
        "return_url": "https://seller.test/back?link=7",
        "cancel_url": "https://seller.test/cancel",
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "custom_id": reference,
                "invoice_id": f"{reference}-1",
                "amount": {"currency_code": currency, "value": value},
            }
        ],
        "payment_source": {"paypal": {"experience_context": context}},
    }


@dataclass(slots=True)
class AtStripe:
    """Stripe's own client, and a browser."""

    sandbox: Running
    browser: httpx.Client
    api: Any = field(init=False)

    def __post_init__(self) -> None:
        self.api = stripe.StripeClient(
            "sk_test_sandbox",
            base_addresses={"api": f"{self.sandbox.url}/stripe"},
            max_network_retries=0,
        ).v1

    def session(self, key: str | None = None, **params: Any) -> Any:
        options = {"idempotency_key": key} if key else {}
        return self.api.checkout.sessions.create(session_params(**params), options)

    def press(self, session: Any, button: str) -> httpx.Response:
        return self.browser.post(f"{self.sandbox.url}/stripe/pay/{session.id}/{button}")

    def paid(self, **params: Any) -> Any:
        """The payment intent of a session that was paid, with all that belongs to it."""
        session = self.session(**params)
        self.press(session, "pay")
        intent = self.api.checkout.sessions.retrieve(session.id).payment_intent
        self.sandbox.settle()
        return self.intent(intent)

    def intent(self, id_: str) -> Any:
        expand = ["latest_charge", "latest_charge.balance_transaction"]
        return self.api.payment_intents.retrieve(id_, {"expand": expand})

    def panel(self, id_: str, button: str, amount: str = "") -> httpx.Response:
        address = f"{self.sandbox.url}/panel/stripe/{id_}/{button}"
        return self.browser.post(address, data={"amount": amount})


@dataclass(slots=True)
class AtPaypal:
    """Plain HTTP with a token, and a browser."""

    sandbox: Running
    browser: httpx.Client
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.new_token().json()["access_token"]

    def new_token(self, secret: str = "sandbox-secret") -> httpx.Response:
        return self.browser.post(
            f"{self.sandbox.url}/paypal/v1/oauth2/token",
            auth=("sandbox-client", secret),
            data={"grant_type": "client_credentials"},
        )

    def post(self, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {**self._headers(), "Content-Type": "application/json"}
        headers |= {"PayPal-Request-Id": key} if key else {}
        headers |= more.pop("headers", {})
        return self.browser.post(f"{self.sandbox.url}/paypal{path}", headers=headers, **more)

    def get(self, path: str, **params: str) -> httpx.Response:
        address = f"{self.sandbox.url}/paypal{path}"
        return self.browser.get(address, headers=self._headers(), params=params or None)

    def order(self, key: str | None = None, **told: str) -> str:
        """A new order's id."""
        answer = self.post("/v2/checkout/orders", key, json=order_body(**told))
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    def press(self, order: str, button: str) -> httpx.Response:
        return self.browser.post(f"{self.sandbox.url}/paypal/checkoutnow/{order}/{button}")

    def capture(self, order: str, key: str | None = None, **more: Any) -> httpx.Response:
        return self.post(f"/v2/checkout/orders/{order}/capture", key, **more)

    def captured(self, button: str = "pay", **told: str) -> dict[str, Any]:
        """The capture of an order that the customer agreed to with this button."""
        order = self.order(**told)
        self.press(order, button)
        answer = self.capture(order)
        assert answer.status_code == 201, answer.text
        capture: dict[str, Any] = answer.json()["purchase_units"][0]["payments"]["captures"][0]
        return capture

    def refund(self, capture: str, key: str | None = None, **more: Any) -> httpx.Response:
        return self.post(f"/v2/payments/captures/{capture}/refund", key, json=more)

    def panel(self, id_: str, button: str, amount: str = "") -> httpx.Response:
        address = f"{self.sandbox.url}/panel/paypal/{id_}/{button}"
        return self.browser.post(address, data={"amount": amount})

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
