"""What a seller and a customer do at the pretend MobilPay, sealed by the tests' own hand."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from os import urandom
from urllib.parse import parse_qs

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from sandbox.running import Running
from tests.mobilpay_seal import aes, rc4
from tests.sandbox.listening import Listener, Taken

SIGNATURE = "SAND-BOXM-OBIL-PAY1-POSX"
THANKS = b'<?xml version="1.0" encoding="utf-8"?>\n<crc>ok</crc>\n'
AGAIN = b'<crc error_type="1" error_code="3">busy</crc>'
NEVER = b'<crc error_type="2" error_code="2">refused</crc>'
RETURN = "https://seller.test/back?link=7"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def order_xml(
    order_id: str,
    confirm: str,
    amount: str = "120.50",
    currency: str = "RON",
    cipher: str = "aes-256-cbc",
    signature: str = SIGNATURE,
) -> bytes:
    """As NETOPIA's papers show it."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<order type="card" id="{order_id}" timestamp="20261120124944">
  <signature>{signature}</signature>
  <invoice currency="{currency}" amount="{amount}">
    <details><![CDATA[Factura+1]]></details>
  </invoice>
  <ipn_cipher>{cipher}</ipn_cipher>
  <params><param><name>invoice_id</name><value><![CDATA[42]]></value></param></params>
  <url><return>{RETURN.replace("&", "&amp;")}</return><confirm>{confirm}</confirm></url>
</order>""".encode()


def sealed(xml: bytes, certificate: bytes, cipher: str = "aes-256-cbc") -> dict[str, str]:
    """For the owner of the certificate."""
    key = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    session_key, iv = urandom(32 if cipher == "aes-256-cbc" else 16), urandom(16)
    text = aes(xml, session_key, iv) if cipher == "aes-256-cbc" else rc4(xml, session_key)
    values = {"env_key": key.encrypt(session_key, padding.PKCS1v15()), "data": text, "iv": iv}
    fields = {name: base64.b64encode(value).decode() for name, value in values.items()}
    return {**fields, "cipher": cipher}


def opened(taken: Taken, key_pem: bytes) -> etree._Element:
    """The order with the notice that came in a delivery."""
    fields = {name: values[0] for name, values in parse_qs(taken.body.decode()).items()}
    key = load_pem_private_key(key_pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    session_key = key.decrypt(base64.b64decode(fields["env_key"]), padding.PKCS1v15())
    text = base64.b64decode(fields["data"])
    if fields["cipher"] == "rc4":
        assert (len(session_key), "iv" in fields) == (16, False)
        return etree.fromstring(rc4(text, session_key))
    iv = base64.b64decode(fields["iv"])
    opening = Cipher(algorithms.AES(session_key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    padded = opening.update(text) + opening.finalize()
    return etree.fromstring(unpadder.update(padded) + unpadder.finalize())


@dataclass(slots=True)
class AtMobilpay:
    """A browser that follows no redirect, and whoever takes what MobilPay tells."""

    sandbox: Running
    browser: httpx.Client
    listener: Listener

    def __post_init__(self) -> None:
        self.listener.body = THANKS

    @property
    def confirm(self) -> str:
        return f"{self.listener.url}/mobilpay/a-secret"

    def post(self, xml: bytes, cipher: str = "aes-256-cbc") -> httpx.Response:
        """A browser brings a seller's form."""
        certificate = self.browser.get(f"{self.sandbox.url}/control/mobilpay/public.cer").content
        form = sealed(xml, certificate, cipher)
        return self.browser.post(f"{self.sandbox.url}/mobilpay", data=form)

    def page(self, order_id: str = "INV-1-1", seal: str = "aes-256-cbc", **told: str) -> str:
        """The card page of an order."""
        answer = self.post(order_xml(order_id, self.confirm, **told), seal)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def press(self, page: str, button: str) -> httpx.Response:
        return self.browser.post(f"{page}/{button}")

    def paid(self, order_id: str = "INV-1-1") -> str:
        """The page of an order that was paid."""
        page = self.page(order_id)
        assert self.press(page, "pay").status_code == 303
        self.sandbox.settle()
        return page

    def panel(self, order_id: str, button: str, amount: str = "") -> httpx.Response:
        address = f"{self.sandbox.url}/panel/mobilpay/{order_id}/{button}"
        return self.browser.post(address, data={"amount": amount})

    def notices(self) -> list[etree._Element]:
        """All that came, opened with the seller's own key."""
        self.sandbox.settle()
        key = self.browser.get(f"{self.sandbox.url}/control/mobilpay/private.key").content
        return [opened(each, key) for each in self.listener.taken]

    def told(self) -> list[tuple[str, int, str]]:
        """Of each that came: action, code, and what was processed."""
        return [
            (
                str(each.findtext("mobilpay/action")),
                int(each.find("mobilpay/error").get("code")),
                str(each.findtext("mobilpay/processed_amount")),
            )
            for each in self.notices()
        ]

    def soap(self, verb: str, request: Iterable[tuple[str, str]]) -> httpx.Response:
        """As npm's clients write it."""
        told = "".join(f"<{name}>{text}</{name}>" for name, text in request)
        body = (
            f'<soapenv:Envelope xmlns:soapenv="{_SOAP}"'
            ' xmlns:pay="http://sandboxsecure.mobilpay.ro/api/payment2/"><soapenv:Header/>'
            f"<soapenv:Body><pay:{verb}><request>{told}</request></pay:{verb}></soapenv:Body>"
            "</soapenv:Envelope>"
        )
        address = f"{self.sandbox.url}/mobilpay/api/payment2/"
        return self.browser.post(address, content=body, headers={"Content-Type": "text/xml"})

    def login(self, password: str = "sandbox-password") -> httpx.Response:
        return self.soap("logIn", [("username", "sandbox-api"), ("password", password)])

    def session(self) -> str:
        return result(self.login())["id"]

    def credit(
        self, session: str, order_id: str, amount: str, sac: str = SIGNATURE
    ) -> httpx.Response:
        asked = {"sessionId": session, "sacId": sac, "orderId": order_id, "amount": amount}
        return self.soap("credit", asked.items())


def result(answer: httpx.Response) -> dict[str, str]:
    """What is in the one result of an answer."""
    (body,) = etree.fromstring(answer.content)
    ((outer,),) = body
    assert etree.QName(outer).localname.endswith("Result")
    return {str(each.tag): str(each.text) for each in outer}


def fault(answer: httpx.Response) -> str:
    """What a refused call says."""
    assert answer.status_code == 500
    found = etree.fromstring(answer.content).findtext(f".//{{{_SOAP}}}Fault/faultstring")
    assert found is not None
    return str(found)
