"""Keeping what arrives: many deliveries, one statement, one commit, each of them exactly once."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import psycopg
import structlog

from ledger.line import Line

KEEP_SECONDS = 3.0

Key = tuple[str, str, str]

_log = structlog.get_logger(__name__)


class ArrivalRow(NamedTuple):
    """A delivery on its way into the inbox; the first three fields are its key there.

    `headers` is JSON text; `binding` is None where the signature binds the body.
    """

    gateway: str
    account: str
    event_id: str
    binding: str | None
    kind: str
    headers: str
    raw: bytes
    sha256: bytes


class NotKept(StrEnum):
    """Why a delivery made no new row."""

    DUPLICATE = "duplicate"
    DIFFERS = "differs"
    FAILED = "failed"


Fate = int | NotKept

_INSERT = """
INSERT INTO inbox (gateway, account, event_id, binding, source, kind, headers, raw, sha256)
SELECT gateway, account, event_id, binding, 'webhook', kind, headers::jsonb, raw, sha256
FROM unnest(%(gateway)b::text[], %(account)b::text[], %(event_id)b::text[], %(binding)b::text[],
            %(kind)b::text[], %(headers)b::text[], %(raw)b::bytea[], %(sha256)b::bytea[])
     AS arrived (gateway, account, event_id, binding, kind, headers, raw, sha256)
ON CONFLICT DO NOTHING
RETURNING gateway, account, event_id, id
"""

# A loser met its own event, or a binding that another event holds; the own event comes last, so
# that it has the last word.
_KEPT_HASHES = """
WITH lost AS (
    SELECT * FROM unnest(%(gateway)b::text[], %(account)b::text[], %(event_id)b::text[],
                         %(binding)b::text[]) AS lost (gateway, account, event_id, binding))
SELECT lost.gateway, lost.account, lost.event_id, inbox.sha256, false AS is_own
FROM lost JOIN inbox USING (gateway, binding)
UNION ALL
SELECT lost.gateway, lost.account, lost.event_id, inbox.sha256, true
FROM lost JOIN inbox USING (gateway, account, event_id)
ORDER BY is_own
"""

# Where the signature does not bind the body, one of two bodies is forged; the kept one stays.
_SHOW = """
INSERT INTO attention (kind, subject, detail)
SELECT 'event_differs', subject, detail
FROM unnest(%(subjects)b::text[], %(details)b::text[]) AS told (subject, detail)
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING
RETURNING id
"""


class Arrivals:
    """The way into the inbox, on a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self._line = Line(dsn)

    async def keep(self, arrivals: Sequence[ArrivalRow]) -> list[Fate]:
        """Commits every delivery that is new; answers each with its new id, or why it has none.

        Takes at most KEEP_SECONDS. TryLater: nothing is known, so the sender must come again.
        """
        return await self._line.within(KEEP_SECONDS, self._keep(arrivals))

    async def close(self) -> None:
        """Gives the connection back."""
        await self._line.close()

    async def _keep(self, arrivals: Sequence[ArrivalRow]) -> list[Fate]:
        try:
            return await self._keep_together(arrivals)
        except psycopg.Error as error:
            fates = [await self._keep_alone(arrival) for arrival in arrivals]
            # The message of the server would show the row, and the row is somebody's payment.
            refused = [
                row.event_id
                for row, fate in zip(arrivals, fates, strict=True)
                if fate is NotKept.FAILED
            ]
            _log.error("arrivals_refused", sqlstate=error.sqlstate, events=refused[:10])
            return fates

    async def _keep_together(self, arrivals: Sequence[ArrivalRow]) -> list[Fate]:
        firsts: dict[Key, ArrivalRow] = {}
        for arrival in arrivals:
            firsts.setdefault(arrival[:3], arrival)
        ids = await self._insert([firsts[key] for key in sorted(firsts)])
        if len(ids) == len(arrivals):
            return [ids[arrival[:3]] for arrival in arrivals]
        hashes = {key: first.sha256 for key, first in firsts.items() if key in ids}
        hashes |= await self._kept_hashes([firsts[key] for key in firsts.keys() - ids.keys()])
        fates = _fates(arrivals, ids, hashes)
        await self._show_forged(arrivals, fates)
        return fates

    async def _show_forged(self, arrivals: Sequence[ArrivalRow], fates: Sequence[Fate]) -> None:
        """Shows to a person which transmission came with two bodies; of the second the hash."""
        forged = {
            f"delivery:{arrival.gateway}:{arrival.binding}": f"sha256 {arrival.sha256.hex()}"
            for arrival, fate in zip(arrivals, fates, strict=True)
            if fate is NotKept.DIFFERS and arrival.binding is not None
        }
        if forged:
            subjects = sorted(forged)
            told = {"subjects": subjects, "details": [forged[subject] for subject in subjects]}
            await self._line.rows(_SHOW, told)

    async def _keep_alone(self, arrival: ArrivalRow) -> Fate:
        """One bad row fails by itself; its neighbours are kept."""
        try:
            (fate,) = await self._keep_together((arrival,))
        except psycopg.Error:
            return NotKept.FAILED
        return fate

    async def _insert(self, arrivals: Sequence[ArrivalRow]) -> dict[Key, int]:
        """Sorted by key, so that two intakes that meet wait for each other in one order."""
        rows = await self._line.rows(_INSERT, _columns(arrivals))
        return {row[:3]: row[3] for row in rows}

    async def _kept_hashes(self, losers: Sequence[ArrivalRow]) -> dict[Key, bytes]:
        if not losers:
            return {}
        rows = await self._line.rows(_KEPT_HASHES, _columns(losers))
        return {row[:3]: row[3] for row in rows}


def _fates(
    arrivals: Iterable[ArrivalRow], ids: dict[Key, int], hashes: dict[Key, bytes]
) -> list[Fate]:
    """The first copy of a new event gets its id; every other is compared with what is kept."""
    fates: list[Fate] = []
    for arrival in arrivals:
        key = arrival[:3]
        if key in ids:
            fates.append(ids.pop(key))
        elif key not in hashes:
            fates.append(NotKept.FAILED)
        else:
            same = hashes[key] == arrival.sha256
            fates.append(NotKept.DUPLICATE if same else NotKept.DIFFERS)
    return fates


def _columns(arrivals: Sequence[ArrivalRow]) -> dict[str, list[object]]:
    columns = zip(*arrivals, strict=True)
    return {name: list(column) for name, column in zip(ArrivalRow._fields, columns, strict=True)}
