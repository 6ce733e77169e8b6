"""Attempts that nobody tells the end of: not by itself, and not when the gateway is asked."""

from datetime import datetime, timedelta

from ledger.store import Books

# Whoever pays does so within hours, and what was told in vain is sent again by then.
YOUNGEST = timedelta(days=1)
# What a gateway itself does not decide within a week, somebody there has to.
YOUNGEST_ASKED = timedelta(days=7)
OLDEST = timedelta(days=30)
_MOST = 1_000

# The end of it is unknown, and it still matters: something of what it is for is owed. A decline is
# no end, nor is an end of ours: MobilPay takes the same order later, and that notice may be lost.
_IS_SILENT = """
    a.state NOT IN ('succeeded', 'cancelled') AND a.session IS NOT NULL
    AND EXISTS (SELECT FROM attempt_invoices n JOIN invoices i ON i.id = n.invoice_id
                WHERE n.attempt_id = a.id AND i.is_open)
"""


def note(books: Books, gateway: str, account: str, now: datetime, *, is_asked: bool) -> int:
    """Shows each attempt of the last 30 days that is older than one; answers how many are new.

    Where the gateway is asked about them, only what it says for a week is not decided yet. Once for
    ever: what a person has looked at, or what was settled since, is not shown again.
    """
    return books.run(
        f"""
        INSERT INTO attention (kind, subject, currency, amount_minor, detail)
        SELECT 'attempt_silent', 'attempt:' || a.id, a.currency, a.amount_minor,
               CASE a.state WHEN 'pending' THEN 'the gateway has not decided about order '
                            ELSE 'nobody has told what became of order ' END || a.order_id
        FROM attempts a
        WHERE (a.gateway, a.account) = (:gateway, :account)
          AND a.created_at <= :youngest AND a.created_at > :oldest AND {_IS_SILENT}
          AND (a.state = 'pending' OR NOT :is_asked)
          AND NOT EXISTS (SELECT FROM attention seen
                          WHERE (seen.kind, seen.subject)
                              = ('attempt_silent', 'attempt:' || a.id))
        ORDER BY a.id LIMIT :most
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING
        """,  # noqa: S608 - a constant
        gateway=gateway,
        account=account,
        youngest=now - (YOUNGEST_ASKED if is_asked else YOUNGEST),
        is_asked=is_asked,
        oldest=now - OLDEST,
        most=_MOST,
    )


def forget(books: Books) -> int:
    """Closes what was shown of attempts whose end was told, or that nothing is owed of any more."""
    return books.run(
        f"""
        UPDATE attention t
        SET resolved_at = clock_timestamp(), resolver = 'worker', how = 'settled'
        FROM attempts a
        WHERE t.kind = 'attempt_silent' AND t.resolved_at IS NULL
          AND a.id = CAST(substr(t.subject, length('attempt:') + 1) AS bigint)
          AND NOT ({_IS_SILENT})
        """  # noqa: S608 - a constant
    )
