"""Our NETOPIA against NETOPIA's own package for Python: what it takes, and what it should not."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from netopia_sdk.ipn import IpnVerifier
from netopia_sdk.requests import models
from netopia_sdk.responses.models import StartPaymentResponse, StatusResponse
from netopia_sdk.transport import Transport

from domain.errors import Refused, Untrusted
from gateways.netopia import Netopia
from gateways.port import Envelope
from runtime import clock
from tests import netopia_server
from tests.gateways.deliveries import netopia_body
from tests.gateways.test_netopia_api import a_netopia, an_order
from tests.netopia_seal import POS, SENT_AT, a_pen, by_secret, delivery, digest, unsigned

BODY = netopia_body()
PEN = a_pen()
# The key as people paste it: what stands between its first line and its last.
BARE = "".join(PEN.pem.split("\n")[1:-2])


def theirs(token: str, key: str, body: bytes = BODY) -> bool:
    """Whether NETOPIA's package takes a notice."""
    try:
        found = IpnVerifier(POS, [POS], key).verify(token, body.decode())
    except jwt.PyJWTError:
        return False
    return bool(found.errorType == 0)


def ours(token: str, key: str = PEN.pem, at: datetime = SENT_AT) -> Envelope:
    return Netopia(POS, key, is_live=False).authenticate(delivery(BODY, token), {}, at)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("audience", [POS, [POS]], ids=["text", "list"])
def test_a_token_made_as_its_own_tests_make_one_is_taken_by_both(algorithm: str, audience: Any):
    now = clock.now()
    seconds = int(now.timestamp())
    claims = {"iss": "NETOPIA Payments", "aud": audience, "sub": digest(BODY)}
    claims |= {"iat": seconds, "nbf": seconds, "exp": seconds + 300}

    token = jwt.encode(claims, PEN.key, algorithm=algorithm)

    assert theirs(token, PEN.pem)
    assert ours(token, at=now).kind == "paid"
    assert ours(token, at=now + timedelta(minutes=9)).kind == "paid"


def test_a_token_of_our_own_pen_is_taken_by_both():
    token = PEN.token(BODY, at=clock.now())

    assert theirs(token, PEN.pem)
    assert ours(token, at=clock.now()).kind == "paid"


def test_a_body_that_was_touched_is_taken_by_neither():
    token = PEN.token(BODY + b" ", at=clock.now())

    assert not theirs(token, PEN.pem)
    with pytest.raises(Untrusted, match="another body"):
        ours(token, at=clock.now())


# Whether their package takes it, in the version that is locked: it asks the token how to check it.
FORGED = {
    "with no key, a token that is none": ("e30.e30.e30", "", True),
    "with no key, nobody's signature": (unsigned(BODY), "", True),
    "with no key, an empty secret": (by_secret(BODY, b""), "", True),
    "with a bare key, the key as a secret": (by_secret(BODY, BARE.encode()), BARE, True),
    "the key as a secret": (by_secret(BODY, PEN.pem.encode()), PEN.pem, False),
    "nobody's signature": (unsigned(BODY), PEN.pem, False),
    "an empty secret": (by_secret(BODY, b""), PEN.pem, False),
}


@pytest.mark.parametrize(("token", "key", "is_taken"), FORGED.values(), ids=FORGED.keys())
def test_what_was_forged_is_refused_by_ours_whatever_theirs_says(
    token: str, key: str, is_taken: bool
):
    assert theirs(token, key) == is_taken

    with pytest.raises(Untrusted):
        ours(token)
    if key != PEN.pem:
        with pytest.raises(Refused, match="NETOPIA_PUBLIC_KEY"):
            ours(token, key)


def test_theirs_takes_enough_that_is_forged_to_be_worth_the_looking():
    assert sum(is_taken for *_, is_taken in FORGED.values()) == 4


def test_what_we_ask_has_the_form_of_what_their_package_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with netopia_server.serving() as account:
        a_netopia(account).hosted_link(an_order())
        a_netopia(account).lookup("1500001/INV-2026-0001-1")
        transport = Transport(account.url, netopia_server.KEY)
        start = _start("INV-2026-0001-2")
        started = transport.send_request("/payment/card/start", start, StartPaymentResponse)
        param = models.PaymentStatusParam(POS, "1500001", "INV-2026-0001-1")
        told = transport.send_request("/operation/status", param, StatusResponse)

    our_start, our_status, their_start, their_status = account.asked
    assert _names(our_start) == _names(their_start)
    assert our_status == their_status
    assert account.keys == [netopia_server.KEY] * 4
    assert "ui/card" in str(asdict(started))
    assert "1500001" in str(asdict(told))


def _names(asked: tuple[str, Any]) -> tuple[str, Any]:
    """The path, and every name in a body; what stands in `data` is the seller's own."""

    def names(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: name == "data" or names(each) for name, each in value.items()}
        return [names(each) for each in value] if isinstance(value, list) else None

    return asked[0], names(asked[1])


def _start(order_id: str) -> models.StartPaymentRequest:
    somebody = ("a@example.ro", "", "", "", "", 642, "Romania", "", "", "")
    return models.StartPaymentRequest(
        config=models.ConfigData("", "", "https://a.example", "https://b.example", "https://c", ""),
        payment=models.PaymentData(models.PaymentOptions(0, 0, []), None, {}),
        order=models.OrderData(
            ntpID="",
            posSignature=POS,
            dateTime="2026-11-20T12:49:44+02:00",
            orderID=order_id,
            description="Factura",
            amount=1.0,
            currency="RON",
            billing=models.BillingData(*somebody),
            shipping=models.ShippingData(*somebody),
            products=[models.ProductsData("Factura", "INV", "invoice", 1.0, 0.0)],
            installments={"selected": 0, "available": [0]},
            data={},
        ),
    )
