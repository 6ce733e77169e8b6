"""Starts the prototype's naive web process on this run's database."""

import models  # type: ignore[import-not-found] # the prototype's, on the path of this process
from sqlalchemy.engine import make_url

from runtime import wiring

models.URL = make_url(wiring.database_url()).set(drivername="postgresql+psycopg")

from ingest_app import naive as app  # type: ignore[import-not-found] # noqa: E402 - needs the URL

__all__ = ["app"]
