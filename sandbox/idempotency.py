"""First outcomes by their key: what a repeated request gets instead of being done again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class InFlight(Exception):  # noqa: N818 - says what is so
    """The first request with this key has not ended."""


class OtherRequest(Exception):  # noqa: N818 - says what is so
    """The key was first used with other parameters."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    fingerprint: str
    since: datetime
    outcome: T | None = None


class Keys(Generic[T]):
    """The keys of one part of a gateway, each remembered for as long as the gateway promises."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        self._kept: dict[str, _Kept[T]] = {}

    def begin(self, key: str, fingerprint: str, now: datetime) -> T | None:
        """The first outcome; None when this is the first request, which is then in flight.

        OtherRequest when the fingerprint is not the first one's, InFlight when that has not ended.
        """
        kept = self._kept.get(key)
        if kept is None or (kept.outcome is not None and now - kept.since > self._lifetime):
            self._kept[key] = _Kept(fingerprint, now)
            return None
        if kept.fingerprint != fingerprint:
            raise OtherRequest
        if kept.outcome is None:
            raise InFlight
        return kept.outcome

    def keep(self, key: str, outcome: T) -> None:
        """End the first request: this is what every later one gets."""
        self._kept[key].outcome = outcome

    def forget(self, key: str) -> None:
        """End a request that is as if it had never been made."""
        del self._kept[key]
