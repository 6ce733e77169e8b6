"""Clients: who is invoiced and who pays."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import Refused
from ledger.store import Books

_COLUMNS = (
    "name, number, external_id, email, tax_id, is_company, currency, country, street, city,"
    " county, postal_code, language, timezone, ibans, terms_days, reminder_policy"
)


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as it is entered. `terms_days` are counted from the issue day to the due day."""

    name: str
    number: str | None = None
    external_id: str | None = None
    email: str | None = None
    tax_id: str | None = None
    is_company: bool = True
    currency: str = "RON"
    country: str = "RO"
    street: str | None = None
    city: str | None = None
    county: str | None = None
    postal_code: str | None = None
    language: str = "ro"
    timezone: str | None = None
    ibans: list[str] = field(default_factory=list)
    terms_days: int = 30
    reminder_policy: str = "standard"


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client with its row number and instants (UTC)."""

    id: int
    created_at: datetime
    updated_at: datetime
    name: str
    number: str | None
    external_id: str | None
    email: str | None
    tax_id: str | None
    is_company: bool
    currency: str
    country: str
    street: str | None
    city: str | None
    county: str | None
    postal_code: str | None
    language: str
    timezone: str | None
    ibans: list[str]
    terms_days: int
    reminder_policy: str


def add(books: Books, client: NewClient) -> int:
    """Stores a client; answers its row number. A number or external id in use is refused."""
    id_ = books.value(
        f"INSERT INTO clients ({_COLUMNS})"  # noqa: S608 - a constant, no input
        " VALUES (:name, :number, :external_id, :email, :tax_id, :is_company, :currency, :country,"
        "  :street, :city, :county, :postal_code, :language, :timezone, CAST(:ibans AS text[]),"
        "  :terms_days, :reminder_policy)"
        " ON CONFLICT DO NOTHING RETURNING id",
        **{name: getattr(client, name) for name in client.__slots__},
    )
    if id_ is None:
        raise Refused("already_exists", "a client with this number or externalId exists already")
    return int(id_)


def find(books: Books, client_id: int) -> ClientRow | None:
    """The client, or None."""
    return books.row(
        ClientRow,
        f"SELECT id, created_at, updated_at, {_COLUMNS} FROM clients WHERE id = :id",  # noqa: S608
        id=client_id,
    )


def find_by_name(books: Books, name: str) -> ClientRow | None:
    """The client with this number, else with this external id; or None."""
    return books.row(
        ClientRow,
        f"SELECT id, created_at, updated_at, {_COLUMNS} FROM clients"  # noqa: S608 - a constant
        " WHERE number = :name OR external_id = :name"
        " ORDER BY number IS DISTINCT FROM :name LIMIT 1",
        name=name,
    )


def page(books: Books, after: int, most: int) -> list[ClientRow]:
    """Clients with a row number above `after`, in that order, at most `most`."""
    return books.rows(
        ClientRow,
        f"SELECT id, created_at, updated_at, {_COLUMNS} FROM clients"  # noqa: S608 - a constant
        " WHERE id > :after ORDER BY id LIMIT :most",
        after=after,
        most=most,
    )
