"""A clock that a test moves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox import clock


@dataclass(slots=True)
class Hands:
    """How far the gateways' time is ahead of ours."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return clock.now() + self.ahead

    def move(self, **far: float) -> None:
        self.ahead += timedelta(**far)
