"""PayPal's deliveries of one scene: recorded events under its own names, signed now, or falsely."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from runtime import clock
from tests.gateways.deliveries import paypal_body
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.hostile.key_host import SEALS
from tests.paypal_seal import Seal, Transmission, a_seal

PATH = "/webhooks/paypal"
Headers = list[tuple[str, bytes]]


def told(scene: Scene, name: str, resource: dict[str, Any] | None = None, **event: Any) -> bytes:
    """A recorded event about the scene's capture; `resource` changes it."""
    recorded = json.loads(paypal_body(name).replace(b"3C679366HH908993F", capture(scene).encode()))
    recorded["resource"] |= resource or {}
    recorded |= {"id": f"WH-{scene.tag}-{name}"}
    return json.dumps({**recorded, **event}, indent=1).encode()


def capture(scene: Scene) -> str:
    return f"CAP{scene.tag}"


def sent(
    scene: Scene, key: str = "good", old: timedelta = timedelta(0), **how: Any
) -> Transmission:
    """A transmission of the scene's own, now; `key` is what lies at its certificate's address."""
    at = how.pop("time", None) or instant(clock.now() - old)
    address = how.pop("address", None) or scene.house.keys.address(key)
    id_ = how.pop("id", None) or str(uuid5(NAMESPACE_URL, f"{scene.tag}{key}"))
    return Transmission(id=id_, time=at, address=address, **how)


def request(scene: Scene, body: bytes, transmission: Transmission | None = None) -> bytes:
    """A request as PayPal sends it."""
    transmission = transmission or sent(scene)
    return posted(body, list(transmission.headers(body, _seal(transmission))))


def changed(scene: Scene, body: bytes, change: Callable[[Headers], Headers], **how: Any) -> bytes:
    """A request whose headers are changed after the signing."""
    transmission = sent(scene, **how)
    return posted(body, change(list(transmission.headers(body, _seal(transmission)))))


def posted(body: bytes, headers: Headers) -> bytes:
    return wire.post(body, *headers, path=PATH)


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seal(transmission: Transmission) -> Seal:
    """The pen of the certificate that lies at the address; the good one's where none does."""
    kind = transmission.address.rpartition("/")[2].partition("-")[0]
    return SEALS.get(kind, a_seal)()
