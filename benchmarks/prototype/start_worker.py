"""Starts the prototype's naive worker on this run's database."""

import models  # type: ignore[import-not-found] # the prototype's, on the path of this process
from sqlalchemy.engine import make_url
from tasks import app  # type: ignore[import-not-found] # as above

from runtime import wiring

models.URL = make_url(wiring.database_url()).set(drivername="postgresql+psycopg")

__all__ = ["app"]
