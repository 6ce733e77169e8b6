"""What people call invoices and clients on the command line: by number, or by id."""

from domain import ids
from domain.errors import Refused
from domain.invoices import Standing
from ledger.books import clients, invoices, payments
from ledger.books.invoices import Wanted
from ledger.store import Books


def invoice(books: Books, name: str) -> Standing:
    """The invoice of that number or id; Refused when there is none."""
    found = _find(books, name)
    if found is None:
        raise Refused("unknown_invoice", f"there is no invoice {name}")
    return found


def invoice_to_pay(books: Books, name: str) -> Standing:
    """The same; the refusal names some that can be paid."""
    found = _find(books, name)
    if found is None:
        first = invoices.page(books, Wanted(), after=0, most=100)
        some = [each.number for each in first if each.is_open]
        hint = f"open are {', '.join(filter(None, some[:5]))}" if some else "none is open"
        raise Refused("unknown_invoice", f"there is no invoice {name}; {hint}")
    return found


def client(books: Books, name: str) -> int:
    """The row of the client with that id, number or external id; None of them: Refused."""
    row = ids.number(ids.Kind.CLIENT, name)
    found = clients.find(books, row) if row else clients.find_by_name(books, name)
    if found is None:
        raise Refused("unknown_client", f"there is no client {name}")
    return found.id


def payment(books: Books, name: str) -> int:
    """The row of the payment with that id, or that name at its gateway; None of them: Refused."""
    row = ids.number(ids.Kind.PAYMENT, name)
    found = payments.find(books, row) if row else payments.find_by_name(books, name)
    if found is None:
        raise Refused("unknown_payment", f"there is no payment {name}")
    return found.id


def _find(books: Books, name: str) -> Standing | None:
    row = ids.number(ids.Kind.INVOICE, name)
    return invoices.find(books, row) if row else invoices.find_by_number(books, name)
