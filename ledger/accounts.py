"""Whose money this installation books: one account per gateway, fixed at the first start."""

from domain.errors import Refused
from ledger.store import Books

_NOTE = """
INSERT INTO accounts (gateway, account) VALUES (:gateway, :account) ON CONFLICT DO NOTHING
"""


def confirm(books: Books, gateway: str, account: str) -> None:
    """Notes the account at the first start; refuses another one ever after.

    The account is part of every key: under a new one, money already booked would be booked again.
    """
    books.run(_NOTE, gateway=gateway, account=account)
    noted = books.value("SELECT account FROM accounts WHERE gateway = :gateway", gateway=gateway)
    if noted != account:
        raise Refused(
            "account_changed",
            f"this database books the {gateway} money of {noted!r}, but the settings now say"
            f" {account!r}: set the account and the mode of the key back, or use a new database",
        )
