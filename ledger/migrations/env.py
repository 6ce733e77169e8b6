"""Runs the migrations on the connection that `ledger.migrations.upgrade` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
