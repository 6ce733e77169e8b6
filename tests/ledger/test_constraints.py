"""What the database refuses by itself, whatever our code does: each constraint, by its name."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.ledger import wrong_rows
from tests.ledger.right_rows import FIRST, OTHER_PAYMENT, SECOND, Row
from tests.mutation import catalog

Database = psycopg.Connection[tuple[object, ...]]

_WRONG = {
    **{name: ("23505", table, [wrong]) for name, (table, wrong) in wrong_rows.TWICE.items()},
    **{name: ("23503", table, [wrong]) for name, (table, wrong) in wrong_rows.NOBODYS.items()},
    **{
        name: ("23514", table, list(wrong))
        for name, (table, *wrong) in wrong_rows.SENSELESS.items()
    },
}


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """A row of every table and two payments, rolled back afterwards."""
    with psycopg.connect(dsn) as connection:
        for table, row in FIRST.items():
            _insert(connection, table, row)
            if table == "payments":
                _insert(connection, table, OTHER_PAYMENT)
        yield connection
        connection.rollback()


@pytest.mark.parametrize("name", sorted(_WRONG))
def test_the_constraint_refuses(database: Database, name: str):
    state, table, wrong_ones = _WRONG[name]

    for wrong in wrong_ones:
        refused = _refusal(database, table, FIRST[table] | SECOND[table] | wrong)

        assert (refused.sqlstate, refused.diag.constraint_name) == (state, name)


@pytest.mark.parametrize("name", wrong_rows.NEVER_NULL)
def test_a_column_of_a_unique_key_is_never_null(database: Database, name: str):
    table, column = name.split(".")

    refused = _refusal(database, table, FIRST[table] | SECOND[table] | {column: "NULL"})

    assert (refused.sqlstate, refused.diag.column_name) == ("23502", column)


@pytest.mark.parametrize("name", sorted(wrong_rows.FORBIDDEN))
def test_the_trigger_refuses(database: Database, name: str):
    for statement in wrong_rows.FORBIDDEN[name]:
        with pytest.raises(psycopg.errors.RestrictViolation), database.transaction():
            database.execute(statement)


@pytest.mark.parametrize("table", sorted(FIRST.keys() - {"seller"}))
def test_a_row_with_nothing_wrong_is_taken(database: Database, table: str):
    _insert(database, table, FIRST[table] | SECOND[table])


def test_no_guard_of_the_database_is_untested(dsn: str):
    tested = {
        *(f"constraint.{name}" for name in _WRONG),
        *(f"not_null.{name}" for name in wrong_rows.NEVER_NULL),
        *(f"trigger.{name}" for name in wrong_rows.FORBIDDEN),
    }

    found = {guard.replace("index.", "constraint.") for guard in catalog.guards(dsn)}

    assert len(found) > 100
    assert found == tested


def _refusal(database: Database, table: str, row: Row) -> psycopg.IntegrityError:
    with pytest.raises(psycopg.IntegrityError) as refused, database.transaction():
        _insert(database, table, row)
    return refused.value


def _insert(database: Database, table: str, row: Row) -> None:
    columns, values = ", ".join(row), ", ".join(row.values())
    database.execute(f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values})")
