"""What a merchant and a customer do at pretend NETOPIA, in a line each."""

from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.running import Running
from tests.sandbox.listening import Listener

TAKEN = b'{"errorType":0,"errorCode":0,"errorMessage":""}'
POS = "SAND-BOXP-OINT-OFSA-LE00"


@dataclass(slots=True)
class AtNetopia:
    """Plain HTTP with the API key, a browser, and the one who takes the notices."""

    sandbox: Running
    browser: httpx.Client
    listener: Listener

    def __post_init__(self) -> None:
        self.listener.body = TAKEN

    def post(self, path: str, body: Any, key: str = "sandbox-key") -> httpx.Response:
        address = f"{self.sandbox.url}/netopia{path}"
        return self.browser.post(address, json=body, headers={"Authorization": key})

    def asked(
        self, order_id: str = "INV-1-1", amount: float = 120.5, currency: str = "RON"
    ) -> dict[str, Any]:
        """As Incasso would start a payment."""
        return {
            "config": {
                "notifyUrl": f"{self.listener.url}/netopia",
                "redirectUrl": "https://seller.test/back?link=7",
                "cancelUrl": "https://seller.test/cancel",
                "language": "ro",
            },
            "payment": {"options": {"installments": 0}, "instrument": None, "data": {}},
            "order": {
                "ntpID": "",
                "posSignature": POS,
                "orderID": order_id,
                "amount": amount,
                "currency": currency,
                "data": {"reference": "INV-1"},
            },
        }

    def start(self, order_id: str = "INV-1-1", **told: Any) -> dict[str, Any]:
        """The payment of a start that goes well."""
        answer = self.post("/payment/card/start", self.asked(order_id, **told))
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, "101"), answer.text
        payment: dict[str, Any] = answer.json()["payment"]
        return payment

    def press(self, payment: dict[str, Any], button: str) -> httpx.Response:
        return self.browser.post(f"{payment['paymentURL'].replace('?p=', '/')}/{button}")

    def paid(self, order_id: str = "INV-1-1", **told: Any) -> str:
        """The ntpID of a payment that was paid and confirmed."""
        payment = self.start(order_id, **told)
        self.press(payment, "pay")
        self.sandbox.settle()
        return str(payment["ntpID"])

    def status(self, ntp_id: str, order_id: str = "", pos: str = POS) -> httpx.Response:
        asked = {"posID": pos, "ntpID": ntp_id, "orderID": order_id}
        return self.post("/operation/status", asked)

    def credit(self, ntp_id: str, amount: float) -> dict[str, Any]:
        answer = self.post("/operation/credit", {"ntpID": ntp_id, "amount": amount, "split": []})
        told: dict[str, Any] = answer.json()
        return told

    def panel(self, ntp_id: str, button: str, amount: str = "") -> httpx.Response:
        address = f"{self.sandbox.url}/panel/netopia/{ntp_id}/{button}"
        return self.browser.post(address, data={"amount": amount})

    def told(self) -> list[int]:
        """The statuses of all notices, sorted: one may overtake another."""
        self.sandbox.settle()
        return sorted(each.json["payment"]["status"] for each in self.listener.taken)
