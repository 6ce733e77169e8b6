"""The verdict: what was accepted against what is kept, what was said against what is booked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import psycopg

from tests.chaos.truth import Truth


@dataclass(slots=True)
class Verdict:
    """Which events or payments are lost or doubled, with the reason; all else that is wrong."""

    accepted: int
    lost: dict[str, str] = field(default_factory=dict)
    doubled: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return self.accepted - sum(1 for name in self.lost if name.startswith("evt_"))

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def complaints(self, most: int = 20) -> Iterator[str]:
        """The first few of each."""
        for title, found in (("lost", self.lost), ("doubled", self.doubled)):
            for name, reason in list(found.items())[:most]:
                yield f"{title}: {name}: {reason}"
        yield from self.wrong[:most]


def judge(dsn: str, truth: Truth) -> Verdict:
    """Compares, on the database itself. All must be settled by now."""
    verdict = Verdict(accepted=len(truth.hashes))
    with psycopg.connect(dsn) as connection:
        _bring(connection, truth)
        for event_id, reason in connection.execute(_LOST):
            verdict.lost[event_id] = reason
        for event_id, rows in connection.execute(_TWICE):
            verdict.doubled[event_id] = f"{rows} rows in the inbox"
        _compare_payments(verdict, truth, connection.execute(_PAYMENTS))
        _compare_invoices(verdict, truth, connection.execute(_INVOICES))
    return verdict


def _bring(connection: "psycopg.Connection[tuple[object, ...]]", truth: Truth) -> None:
    connection.execute(
        "CREATE TEMP TABLE accepted (event_id text PRIMARY KEY, sha256 text, is_senseless bool)"
    )
    with connection.cursor().copy("COPY accepted FROM STDIN") as copy:
        for event_id, digest in truth.hashes.items():
            copy.write_row((event_id, digest, event_id in truth.senseless))
    connection.execute("ANALYZE accepted")


# Byte by byte: the hash is taken anew from what is kept.
_LOST = """
SELECT event_id, CASE
    WHEN inbox.id IS NULL THEN 'no row in the inbox'
    WHEN encode(sha256(raw), 'hex') <> accepted.sha256 THEN 'another body is kept'
    ELSE concat_ws(': ', state, reason) END
FROM accepted LEFT JOIN inbox USING (event_id)
WHERE inbox.id IS NULL
   OR encode(sha256(raw), 'hex') <> accepted.sha256
   OR inbox.sha256 <> sha256(raw)
   OR CASE WHEN is_senseless THEN state <> 'dead' ELSE state NOT IN ('done', 'ignored') END
"""

_TWICE = "SELECT event_id, count(*) FROM inbox GROUP BY event_id HAVING count(*) > 1"

# From the postings alone; an opposite takes back what it reverses.
_PAYMENTS = """
SELECT p.gateway_reference, count(DISTINCT p.id),
       coalesce(sum(CASE WHEN o.kind = 'receive' THEN signed.minor END), 0)::bigint,
       coalesce(sum(CASE WHEN o.kind = 'refund' THEN signed.minor END), 0)::bigint
FROM payments p
LEFT JOIN postings o ON o.payment_id = p.id
LEFT JOIN LATERAL (
    SELECT CASE WHEN o.reverses IS NULL THEN o.amount_minor ELSE -o.amount_minor END AS minor
) signed ON true
GROUP BY p.gateway_reference
"""

_INVOICES = "SELECT number, total_minor, paid_minor FROM invoices"


def _compare_payments(
    verdict: Verdict, truth: Truth, booked: Iterable[tuple[str, int, int, int]]
) -> None:
    missing = {name for name, payment in truth.payments.items() if payment.received_minor}
    for name, rows, received, refunded in booked:
        missing.discard(name)
        payment = truth.payments.get(name)
        should_be = (payment.received_minor, payment.refunded_minor) if payment else (0, 0)
        if rows > 1 or received > should_be[0] or refunded > should_be[1]:
            verdict.doubled[name] = f"{rows} rows, {received, refunded} booked, {should_be} true"
        elif (received, refunded) != should_be:
            verdict.lost[name] = f"{received, refunded} booked, {should_be} true"
    verdict.lost.update((name, "its money is not booked") for name in missing)


def _compare_invoices(
    verdict: Verdict, truth: Truth, invoices: Iterable[tuple[str, int, int]]
) -> None:
    """Each is paid by what came for it, up to its total."""
    net = truth.net_by_invoice()
    for number, total, paid in invoices:
        should_be = min(total, net.get(number, 0))
        if paid != should_be:
            verdict.wrong.append(f"invoice {number}: {paid} paid, {should_be} true, {total} total")
