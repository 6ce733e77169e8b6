"""Whether deliveries can be taken in and worked off, part by part."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from domain.errors import TryLater
from ledger import migrations
from ledger.pulse import Pulse
from webhooks.intake import Intake

_log = structlog.get_logger(__name__)


class Readiness:
    """One look under way; whoever asks meanwhile shares it, so that asking costs us little."""

    def __init__(self, pulse: Pulse, ping_broker: Callable[[], None], intake: Intake) -> None:
        self._pulse = pulse
        self._ping_broker = ping_broker
        self._intake = intake
        self._needed_schema = migrations.newest()
        self._look: asyncio.Task[Mapping[str, bool]] | None = None

    async def parts(self) -> Mapping[str, bool]:
        """Every part by name, and whether it is well."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_around())
        return await asyncio.shield(self._look)

    async def _look_around(self) -> Mapping[str, bool]:
        (has_database, has_schema), has_broker = await asyncio.gather(
            self._database(), self._broker()
        )
        return {
            "database": has_database,
            "migrations": has_schema,
            "broker": has_broker,
            "intake": not self._intake.is_overdue,
        }

    async def _database(self) -> tuple[bool, bool]:
        try:
            return True, await self._pulse.schema() == self._needed_schema
        except TryLater:
            return False, False

    async def _broker(self) -> bool:
        try:
            await asyncio.to_thread(self._ping_broker)
        except Exception as error:  # noqa: BLE001 - whatever the client raises, it is not there
            _log.debug("broker_unreachable", error=type(error).__name__)
            return False
        return True
