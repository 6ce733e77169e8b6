"""Stands in for a module of the prototype: the signature check and the answer."""

import hashlib
import hmac

OK = b'{"received":true}'
_SECRET = b"whsec_test_secret"


def verify(header: bytes, body: bytes) -> bool:
    """Whether the body was signed with the prototype's secret."""
    parts = dict(part.split(b"=", 1) for part in header.split(b","))
    expected = hmac.new(_SECRET, parts[b"t"] + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts[b"v1"].decode())
