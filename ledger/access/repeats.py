"""What was asked for under a key of the caller's own: asked again, it is not done again."""

from domain.errors import Refused
from ledger.store import Books


def is_first(books: Books, caller: str, key: str, sha256: bytes) -> bool:
    """Notes the key; False when the same was done under it before.

    Comes first in a transaction, before every other lock: who asks at the same time waits until the
    first one is done. What was refused or rolled back leaves no key. Refused when the key stands
    for something else.
    """
    is_new = books.run(
        "INSERT INTO idempotency_keys (caller, key, sha256) VALUES (:caller, :key, :sha256)"
        " ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING",
        caller=caller,
        key=key,
        sha256=sha256,
    )
    if is_new:
        return True
    known = books.value(
        "SELECT sha256 FROM idempotency_keys WHERE caller = :caller AND key = :key",
        caller=caller,
        key=key,
    )
    if bytes(known) != sha256:
        raise Refused("key_reused", "this Idempotency-Key was used for another request")
    return False
