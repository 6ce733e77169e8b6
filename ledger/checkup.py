"""What a check-up asks the database: its version, and whose money it books."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.store import Books

OLDEST_SERVER = 14


@dataclass(frozen=True, slots=True)
class _Account:
    gateway: str
    account: str


def server_version(books: Books) -> str:
    """The version of PostgreSQL, like `18.1`."""
    return str(books.value("SELECT split_part(current_setting('server_version'), ' ', 1)"))


def noted_accounts(books: Books) -> Mapping[str, str]:
    """The account noted at the first start, by gateway."""
    rows = books.rows(_Account, "SELECT gateway, account FROM accounts ORDER BY gateway")
    return {row.gateway: row.account for row in rows}
