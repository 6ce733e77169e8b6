"""What Stripe's package of npm signs is let in; nothing that was touched since is."""

import json
from collections.abc import Callable

import pytest
import uvloop

from tests.gateways.deliveries import SECRET, stripe_body
from tests.npm import packages
from tests.webhooks.knocking import kept, knock, now, open_door
from tests.webhooks.test_door import NOWHERE

_SIGN = """
const stripe = require('stripe')('sk_test_x');
const header = stripe.webhooks.generateTestHeaderString(told);
process.stdout.write(JSON.stringify(header));
"""
_BODIES = {
    "as Stripe prints it": stripe_body("intent_succeeded"),
    "in one line": json.dumps(json.loads(stripe_body("intent_succeeded"))).encode(),
    "with letters of its own": stripe_body("intent_succeeded", pending="Ștefan Țurcanu 請求書 €"),
}


def signed(body: bytes, secret: str = SECRET, *, age_seconds: int = 0) -> bytes:
    """The header as the package makes it."""
    at = now() - age_seconds
    header: str = packages.run(_SIGN, {"payload": body.decode(), "secret": secret, "timestamp": at})
    assert header.startswith(f"t={at},v1=")
    return header.encode()


def told(dsn: str, body: bytes, header: bytes) -> tuple[int, list[str]]:
    """What the door answers, and what it kept."""

    async def run() -> int:
        async with open_door(dsn, NOWHERE) as door:
            return (await knock(door, body, signature=header)).status

    return uvloop.run(run()), kept(dsn)


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_what_the_package_signs_is_kept(fresh_dsn: str, body: bytes):
    assert told(fresh_dsn, body, signed(body)) == (200, ["evt_intent_succeeded"])


Touch = Callable[[bytes, bytes], tuple[bytes, bytes]]
_BODY = _BODIES["as Stripe prints it"]
_TOUCHED: dict[str, Touch] = {
    "an amount raised": lambda body, header: (body.replace(b"24200", b"24201"), header),
    "a line end more": lambda body, header: (body + b"\n", header),
    "printed anew": lambda body, header: (json.dumps(json.loads(body)).encode(), header),
    "a time of one's own": lambda body, header: (body, b"t=%d," % now() + header.split(b",")[1]),
    "a figure of the signature": lambda body, header: (body, header[:-1] + _other(header[-1:])),
    "a signature cut short": lambda body, header: (body, header[:-2]),
    "another scheme": lambda body, header: (body, header.replace(b"v1=", b"v0=")),
    "another's secret": lambda body, header: (body, signed(body, "whsec_somebody")),
    "five minutes and a second old": lambda body, header: (body, signed(body, age_seconds=301)),
}


@pytest.mark.parametrize("touch", _TOUCHED.values(), ids=_TOUCHED)
def test_what_was_touched_since_is_refused_and_not_kept(fresh_dsn: str, touch: Touch):
    genuine = signed(_BODY, age_seconds=2)

    touched = touch(_BODY, genuine)

    assert touched != (_BODY, genuine)
    assert told(fresh_dsn, *touched) == (400, [])
    assert told(fresh_dsn, _BODY, genuine) == (200, ["evt_intent_succeeded"])


def _other(figure: bytes) -> bytes:
    return b"1" if figure == b"0" else b"0"
