"""Whether the database answers, and which schema it has, for those who ask every few seconds."""

import psycopg

from ledger.line import Line

_PATIENCE_SECONDS = 2.0


class Pulse:
    """A line of its own, so that a look never waits behind the work."""

    def __init__(self, dsn: str) -> None:
        self._line = Line(dsn)

    async def schema(self) -> str | None:
        """The version of the schema; None when there is none. TryLater when nobody answers."""
        return await self._line.within(_PATIENCE_SECONDS, self._schema())

    async def close(self) -> None:
        """Gives the connection back."""
        await self._line.close()

    async def _schema(self) -> str | None:
        try:
            rows = await self._line.rows("SELECT version_num FROM alembic_version", {})
        except psycopg.errors.UndefinedTable:
            return None
        return rows[0][0] if rows else None
