"""A pen that signs as NETOPIA does, with keys of our own making; and as forgers would."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256, sha512
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from gateways.port import Delivery

POS = "AAAA-BBBB-CCCC-DDDD-EEEE"
SENT_AT = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
HASHES = {"RS1": SHA1(), "RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}


@dataclass(frozen=True)
class Pen:
    """A key pair; `pem` is its public half, as NETOPIA gives it out."""

    key: RSAPrivateKey

    @property
    def pem(self) -> str:
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def certificate(self) -> str:
        """The same, in a certificate."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "netopia")])
        made = x509.CertificateBuilder(name, name, self.key.public_key(), 7)
        made = made.not_valid_before(SENT_AT - timedelta(days=9)).not_valid_after(SENT_AT)
        return made.sign(self.key, SHA256()).public_bytes(Encoding.PEM).decode()

    def token(
        self,
        body: bytes,
        at: datetime = SENT_AT,
        head: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token for a body; a claim of None is left out."""
        said = {
            "iss": "NETOPIA Payments",
            "aud": POS,
            "sub": digest(body),
            "iat": int(at.timestamp()),
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return self.sign({"typ": "JWT", "alg": "RS512", **(head or {})}, kept)

    def sign(self, head: Mapping[str, Any], claims: object) -> str:
        """A token of these two parts; where the head names no hash of ours, by SHA-512."""
        signed = f"{part(head)}.{part(claims)}"
        hash_ = HASHES.get(str(head.get("alg")), SHA512())
        return f"{signed}.{encoded(self.key.sign(signed.encode(), PKCS1v15(), hash_))}"


@cache
def a_pen(name: str = "netopia", bits: int = 2048) -> Pen:
    """The same pen for the same name."""
    return Pen(generate_private_key(65537, bits))


def digest(body: bytes) -> str:
    """What a token says of a body."""
    return base64.b64encode(sha512(body).digest()).decode()


def claims(body: bytes, at: datetime = SENT_AT) -> dict[str, Any]:
    said = {"iss": "NETOPIA Payments", "aud": POS, "sub": digest(body)}
    return {**said, "iat": int(at.timestamp())}


def unsigned(body: bytes, at: datetime = SENT_AT, algorithm: str = "none") -> str:
    """A token that nobody signed."""
    return f"{part({'typ': 'JWT', 'alg': algorithm})}.{part(claims(body, at))}."


def by_secret(body: bytes, secret: bytes, at: datetime = SENT_AT) -> str:
    """A token signed with what everybody knows, as if it were a secret."""
    signed = f"{part({'typ': 'JWT', 'alg': 'HS256'})}.{part(claims(body, at))}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), sha256))}"


def part(value: object) -> str:
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def delivery(body: bytes, *tokens: str) -> Delivery:
    """A delivery as NETOPIA makes it, whatever it calls the content."""
    headers = tuple((b"verification-token", token.encode("latin-1")) for token in tokens)
    return Delivery(((b"content-type", b"text/plain"), *headers), body)
