"""The way into the books for commands: a database that answers and has the schema we know."""

from domain.errors import Refused, TryLater
from ledger import migrations
from ledger.store import Store
from runtime import wiring


def store() -> Store:
    """The database, reached and of our schema; Refused with the fix when it is not."""
    reached = reachable_store()
    present = migrations.present(reached)
    if present != migrations.newest():
        raise Refused(
            "wrong_schema",
            f"the database has schema {present or 'none'}, this version needs"
            f" {migrations.newest()}: run `incasso migrate`",
        )
    return reached


def reachable_store() -> Store:
    """The database, whatever its schema; Refused with the fix when it does not answer."""
    opened = wiring.store()
    try:
        with opened.transaction() as books:
            books.value("SELECT 1")
    except TryLater as error:
        raise Refused(
            "no_database",
            f"the database does not answer ({error}): start everything with `make run`, or set"
            " DATABASE_URL",
        ) from error
    return opened
