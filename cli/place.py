"""Where the parts of one run are found: its own stores or given ones, and its ports."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.embedded.daemon import Store
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from cli.ports import address, free_port
from cli.state import State
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that has an address. `stores` are those we run ourselves."""

    stores: tuple[Store, ...]
    database: str
    broker: str
    mailbox: Path
    base_url: str
    web_port: int
    metrics_port: int
    flower_port: int

    @property
    def variables(self) -> Mapping[str, str]:
        """What processes of ours need to know, as settings."""
        return {
            "DATABASE_URL": self.database,
            "BROKER_URL": self.broker,
            "BASE_URL": self.base_url,
            "METRICS_PORT": str(self.metrics_port),
        }

    def state(self, api_token: str, sandbox: str | None) -> State:
        """What is told of it, without its processes."""
        return State(
            web=address(self.web_port),
            flower=address(self.flower_port),
            mailbox=self.mailbox.as_uri(),
            metrics=f"{address(self.metrics_port)}/metrics",
            api_token=api_token,
            sandbox=sandbox,
            console=None,
            database=self.database,
            processes={},
        )


def choose(local: Path, given: Settings, web_port: int) -> Place:
    """Stores of our own for those that nobody has given, and the first free ports."""
    stores: list[Store] = []
    database, broker = given.database_url, given.broker_url
    if database is None:
        stores.append(postgres := Postgres(local / "pg"))
        database = postgres.dsn()
    if broker is None:
        stores.append(redis := Redis(local / "redis"))
        broker = redis.url
    return Place(
        stores=tuple(stores),
        database=database,
        broker=broker,
        mailbox=local / "mailbox",
        base_url=given.base_url if "base_url" in given.model_fields_set else address(web_port),
        web_port=web_port,
        metrics_port=free_port(given.metrics_port),
        flower_port=free_port(given.flower_port),
    )
