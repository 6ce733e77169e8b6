"""What a gateway answers, or a person in its place, kept as an event of its own."""

from dataclasses import dataclass

from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer's row of the inbox, and whether it is a new one."""

    inbox_id: int
    is_new: bool


def keep(books: Books, gateway: str, account: str, name: str, answer: bytes, sha256: bytes) -> Kept:
    """Keeps what was answered about a name, once."""
    key = {
        "gateway": gateway,
        "account": account,
        "event_id": f"lookup:{name[:180]}:{sha256.hex()}",
    }
    inbox_id = books.value(
        """
        INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)
        VALUES (:gateway, :account, :event_id, 'lookup', 'lookup', :raw, '{}', :sha256)
        ON CONFLICT ON CONSTRAINT inbox_event_once DO NOTHING
        RETURNING id
        """,
        raw=answer,
        sha256=sha256,
        **key,
    )
    if inbox_id is not None:
        return Kept(int(inbox_id), is_new=True)
    known = books.value(
        "SELECT id FROM inbox WHERE (gateway, account, event_id) = (:gateway, :account, :event_id)",
        **key,
    )
    return Kept(int(known), is_new=False)


def keep_word(
    books: Books, gateway: str, account: str, name: str, said: bytes, sha256: bytes
) -> int:
    """Keeps what a person says that the gateway did; the row's number.

    It is booked by whoever keeps it, and never put back. One word for each name: a second one waits
    for the first, and is refused by the key.
    """
    return int(
        books.value(
            """
            INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256,
                               state, settled_at)
            VALUES (:gateway, :account, :event_id, 'word', 'word', :raw, '{}', :sha256, 'done',
                    clock_timestamp())
            RETURNING id
            """,
            gateway=gateway,
            account=account,
            event_id=f"word:{name}",
            raw=said,
            sha256=sha256,
        )
    )
