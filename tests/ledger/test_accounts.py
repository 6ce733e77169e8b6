"""One installation books the money of one account per gateway, for ever."""

import pytest

from domain.errors import Refused
from ledger import accounts
from ledger.store import Store


def test_the_first_account_stays(store: Store):
    with store.transaction() as books:
        accounts.confirm(books, "stripe", "own/test")
        accounts.confirm(books, "paypal", "own")

    with store.transaction() as books:
        accounts.confirm(books, "stripe", "own/test")
        with pytest.raises(Refused, match=r"own/test.*own/live.*set the account .* back"):
            accounts.confirm(books, "stripe", "own/live")
