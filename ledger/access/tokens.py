"""API tokens: kept as hashes, found by hash, revoked at once."""

from hashlib import sha256

from ledger.store import Books


def add(books: Books, name: str, token: str) -> None:
    """Lets `token` in from now on, under a name for people; a known token stays as it is."""
    books.run(
        "INSERT INTO api_tokens (name, sha256) VALUES (:name, :sha256)"
        " ON CONFLICT ON CONSTRAINT api_tokens_sha256_once DO NOTHING",
        name=name,
        sha256=sha256(token.encode()).digest(),
    )


def owner(books: Books, token: str) -> str | None:
    """The name a token was given; None for one that is unknown or revoked."""
    name = books.value(
        "SELECT name FROM api_tokens WHERE sha256 = :sha256 AND revoked_at IS NULL",
        sha256=sha256(token.encode()).digest(),
    )
    return None if name is None else str(name)


def revoke(books: Books, name: str) -> int:
    """Shuts out every token of that name; answers how many there were."""
    return books.run(
        "UPDATE api_tokens SET revoked_at = now() WHERE name = :name AND revoked_at IS NULL",
        name=name,
    )
