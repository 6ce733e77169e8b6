"""Stripe's events of one scene: recorded ones under the scene's own names, changed as one likes."""

import json
from typing import Any

from tests.gateways.deliveries import pretty, stripe_body
from tests.hostile.house import Scene


def told(scene: Scene, name: str, subject: dict[str, Any] | None = None, **event: Any) -> bytes:
    """A recorded event about the scene's payment and invoice; `subject` changes its object."""
    return printed(scene, name, scene.invoice.number or "", subject, **event)


def unsettled(scene: Scene, **event: Any) -> bytes:
    """An event about the scene's payment that names no invoice of ours: made without the books."""
    return printed(scene, "intent_succeeded", "INV-0000", None, **event)


def printed(
    scene: Scene, name: str, number: str, subject: dict[str, Any] | None, **event: Any
) -> bytes:
    recorded = stripe_body(name).replace(b"3Own42", scene.tag.encode())
    found = json.loads(recorded.replace(b"INV-2026-0042", number.encode()))
    found["id"] = f"evt_{scene.tag}_{name}"
    if subject:
        found["data"]["object"] |= subject
    return pretty({**found, **event})
