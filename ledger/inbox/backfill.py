"""Events that a gateway has and never delivered, or that were lost on their way."""

from collections.abc import Sequence

from domain.attention import Attention, AttentionKind
from ledger.books import attention
from ledger.store import Books

_PREFIX = "backfill:"
_SILENT = "its latest events came only by asking: see the webhook's address and secret there"


def missing(books: Books, gateway: str, account: str, event_ids: Sequence[str]) -> frozenset[str]:
    """Those of these events that never came, by themselves or by an earlier backfill."""
    found = books.value(
        """
        SELECT array_agg(told.id) FROM unnest(CAST(:ids AS text[])) AS told (id)
        WHERE NOT EXISTS (
            SELECT FROM inbox WHERE (gateway, account) = (:gateway, :account)
                                AND event_id IN (told.id, :prefix || told.id))
        """,
        ids=list(event_ids),
        gateway=gateway,
        account=account,
        prefix=_PREFIX,
    )
    return frozenset(found or ())


def keep(
    books: Books, owner: tuple[str, str], event: tuple[str, str], raw: bytes, sha256: bytes
) -> int | None:
    """Keeps an event that was fetched; its number, None when it is there by now.

    `owner` is the gateway and whose account, `event` the gateway's id for it and its kind. Under a
    name of its own: should it be delivered after all, its bytes may differ, and what it tells is
    the same.
    """
    inbox_id = books.value(
        """
        INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)
        VALUES (:gateway, :account, :event_id, 'backfill', :kind, :raw, '{}', :sha256)
        ON CONFLICT ON CONSTRAINT inbox_event_once DO NOTHING
        RETURNING id
        """,
        gateway=owner[0],
        account=owner[1],
        event_id=f"{_PREFIX}{event[0]}",
        kind=event[1],
        raw=raw,
        sha256=sha256,
    )
    return None if inbox_id is None else int(inbox_id)


def mind(books: Books, gateway: str, account: str, event_ids: Sequence[str]) -> bool:
    """Opens attention when none of these events, a gateway's newest, came by itself; else ends it.

    Answers whether it is silent. One that had nothing to tell is neither.
    """
    if not event_ids:
        return False
    is_heard = books.value(
        "SELECT EXISTS (SELECT FROM inbox WHERE (gateway, account) = (:gateway, :account)"
        " AND event_id = ANY (CAST(:ids AS text[])))",
        gateway=gateway,
        account=account,
        ids=list(event_ids),
    )
    subject = f"gateway:{gateway}"
    if is_heard:
        attention.close(books, subject, [AttentionKind.GATEWAY_SILENT], "worker", "heard again")
    else:
        attention.open_all(books, [Attention(AttentionKind.GATEWAY_SILENT, subject, None, _SILENT)])
    return not is_heard
