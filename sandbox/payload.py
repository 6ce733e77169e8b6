"""Objects as they travel: JSON that the pretend gateways keep, change and show."""

import json
from typing import Any

Payload = dict[str, Any]


def printed(payload: Payload) -> bytes:
    """As both gateways' receivers get it: indented, so that no parser prints the same bytes."""
    return json.dumps(payload, indent=2, ensure_ascii=False).encode()


def copied(payload: Payload) -> Payload:
    """A snapshot that later changes do not reach."""
    snapshot: Payload = json.loads(json.dumps(payload))
    return snapshot
