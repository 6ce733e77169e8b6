"""Whose certificate may vouch for a delivery of PayPal's: where it lies, and what it must be.

What is believed where a chain cannot be built: docs/decisions/0023.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from domain.errors import Refused, Untrusted
from gateways.paypal_fields import LIVE_HOSTS, SANDBOX_HOSTS

LIVE_NAME = "messageverificationcerts.paypal.com"
SANDBOX_NAME = "messageverificationcerts.sandbox.paypal.com"

_PATH = "/v1/notifications/certs/"
_FILE = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_MOST_BYTES = 64 * 1024
_MOST_CERTIFICATES = 8
_LEAST_KEY_BITS = 2048


class Certificates:
    """The certificates of one mode of PayPal's, live or test.

    `hosts` are those that serve them: names, reached by https alone, or, on this machine,
    addresses such as http://127.0.0.1:8123. `roots` is PEM text of the authorities to believe;
    None: those that browsers believe.
    """

    def __init__(
        self, *, is_live: bool, hosts: Iterable[str] | None = None, roots: str | None = None
    ) -> None:
        ours = LIVE_HOSTS if is_live else (*LIVE_HOSTS, *SANDBOX_HOSTS)
        self._origins = frozenset(_origin(host) for host in (ours if hosts is None else hosts))
        self._names = (LIVE_NAME,) if is_live else (LIVE_NAME, SANDBOX_NAME)
        self._roots = _public_roots() if roots is None else tuple(_loaded(roots.encode()))
        self._is_public = roots is None
        self._believed = lru_cache(maxsize=32)(self._believe)

    def allow(self, address: str) -> None:
        """Untrusted unless PayPal's certificates lie there; nobody is asked."""
        origin, path, file = address.partition(_PATH)
        if not path or origin not in self._origins or not _FILE.fullmatch(file):
            raise Untrusted("the certificate's address is none of PayPal's")

    def key(self, address: str, pem: bytes, now: datetime) -> RSAPublicKey:
        """The key of the first certificate there; Untrusted when it does not vouch at `now`."""
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        leaf, key = self._believed(pem, address.startswith("https:"), hour)
        if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
            raise Untrusted("the certificate is not valid now")
        return key

    def _believe(
        self, pem: bytes, is_encrypted: bool, hour: datetime
    ) -> tuple[x509.Certificate, RSAPublicKey]:
        """Looks at a certificate but for the minute; the chain is good for the hour."""
        leaf, *others = _read(pem)
        name = self._name(leaf)
        at = min(max(hour, leaf.not_valid_before_utc), leaf.not_valid_after_utc)
        try:
            policy = PolicyBuilder().store(Store(list(self._roots))).time(at)
            policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
        except VerificationError:
            if not self._is_without_chain(leaf, others, is_encrypted):
                raise Untrusted("nobody we believe vouches for the certificate") from None
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_KEY_BITS:
            raise Untrusted("the certificate's key is none that is believed")
        return leaf, key

    def _is_without_chain(
        self, leaf: x509.Certificate, others: Sequence[x509.Certificate], is_encrypted: bool
    ) -> bool:
        """Whether the file has the leaf alone, so that no chain can be built from it.

        PayPal published it so. Then the host vouches: the address is on the list, and the same
        authorities vouched for the connection. Not where roots were named, nor without encryption.
        """
        issuers = {root.subject for root in self._roots}
        return (
            self._is_public
            and is_encrypted
            and not others
            and leaf.issuer != leaf.subject
            and leaf.issuer not in issuers
        )

    def _name(self, leaf: x509.Certificate) -> str:
        """The name in the subject, which the alternative names have, too, and which is PayPal's."""
        try:
            (common,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            name, others = common.value, extension.value.get_values_for_type(x509.DNSName)
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
            raise Untrusted("the certificate has no one name") from error
        if not isinstance(name, str) or name not in self._names or name not in others:
            raise Untrusted("the certificate is another one's")
        return name


def _read(pem: bytes) -> list[x509.Certificate]:
    if len(pem) > _MOST_BYTES:
        raise Untrusted("the certificate is far too long")
    try:
        found = _loaded(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Untrusted("it is no certificate") from error
    if len(found) > _MOST_CERTIFICATES:
        raise Untrusted("far too many certificates")
    return found


def _loaded(pem: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():  # of roots older than today's rules
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(pem)


@cache
def _public_roots() -> tuple[x509.Certificate, ...]:
    return tuple(_loaded(certifi.contents().encode()))


def _origin(host: str) -> str:
    """The beginning of every address at this host; Refused when it can be none."""
    if _HOST.fullmatch(host):
        return f"https://{host}"
    parts = urlsplit(host)
    try:
        is_near = ip_address(parts.hostname or "").is_loopback
        port = parts.port
    except ValueError:
        is_near, port = False, None
    if not is_near or host not in {f"{way}://{parts.hostname}:{port}" for way in ("http", "https")}:
        raise Refused(
            "bad_certificate_host",
            f"PAYPAL_CERT_HOSTS has {host!r}, which is neither a host's name nor an address of"
            " this machine like http://127.0.0.1:8123",
        )
    return host
