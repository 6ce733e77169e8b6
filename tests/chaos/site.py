"""The installation that a storm goes over: stores, wires, two doors, two workers, beat."""

import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import redis

from cli.embedded.daemon import Daemon
from cli.programs import QUEUES
from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stories.proxy import Proxy

DOORS = ("web-1", "web-2")
WORKERS = tuple(QUEUES)


class Site:
    """A plant behind wires. Whoever works here knows its stores only through them."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.rng = rng
        self.revived = 0
        self.plant = Plant(folder)
        self.desk: Desk = self.plant.open()
        self.wires: Mapping[str, Proxy] = {}

    def open(self) -> None:
        """Starts everything; returns when both doors are ready."""
        sockets = Path(self.plant.dsn.partition("host=")[2].partition("&")[0])
        broker_socket = Path(self.plant.broker.removeprefix("redis+socket://"))
        database, broker = Proxy(sockets / ".s.PGSQL.5432"), Proxy(broker_socket)
        self.wires = {"database": database, "broker": broker}
        self.redis = redis.Redis(unix_socket_path=str(broker_socket))
        self.plant.dsn = f"postgresql://incasso@127.0.0.1:{database.port}/incasso"
        self.plant.broker = f"redis://127.0.0.1:{broker.port}/0"
        for name in self.crew:
            self.start(name)
        for door in DOORS:
            self.plant.wait_for(partial(self.plant.is_web_ready, door), door)
        self.wires = {**self.wires, "door": Proxy(self.plant.doors[DOORS[0]])}

    def close(self) -> None:
        """Ends everything, whatever state it is in."""
        for wire in self.wires.values():
            wire.close()
        self.desk.store.close()
        self.plant.close()

    @property
    def crew(self) -> Mapping[str, Callable[[], None]]:
        """Who should be running, and how each is started."""
        plant = self.plant
        return {
            **{door: partial(plant.start_web, door) for door in DOORS},
            **{name: partial(plant.start_worker, name, QUEUES[name]) for name in WORKERS},
            "beat": plant.start_beat,
        }

    @property
    def ports(self) -> tuple[int, ...]:
        """Where gateways knock: at both doors, and at one of them over a wire."""
        return (*(self.plant.doors[door] for door in DOORS), self.wires["door"].port)

    @property
    def stores(self) -> Mapping[str, Daemon]:
        return {"postgres": self.plant.postgres, "redis": self.plant.redis}

    def start(self, name: str) -> None:
        self.crew[name]()

    def pid(self, name: str) -> int:
        return self.plant.processes[name].pid

    def revive(self, left_alone: set[str]) -> None:
        """Starts again who died of himself, as a supervisor does."""
        for name in self.crew.keys() - left_alone:
            if name not in self.plant.processes or not self.plant.is_running(name):
                self.start(name)
                self.revived += 1

    def between(self, least_seconds: float, most_seconds: float) -> float:
        return self.rng.uniform(least_seconds, most_seconds)
