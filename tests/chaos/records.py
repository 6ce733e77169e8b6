"""The recorder: every 2xx on disk the moment it is heard, with what the delivery said."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tests.chaos.deliveries import Delivery, Saying

SUFFIX = ".accepted"


class Record(NamedTuple):
    """One 2xx."""

    event_id: str
    sha256: str
    saying: Saying
    payment: str
    item: str
    amount_minor: int
    invoice: str


class Recorder:
    """Writes one line per 2xx, and none later than the next delivery is sent."""

    def __init__(self, folder: Path, share: int) -> None:
        self._file = (folder / f"{share}{SUFFIX}").open("ab", buffering=0)

    def note(self, delivery: Delivery) -> None:
        event_id, body, *said = delivery
        digest = sha256(body).hexdigest()
        self._file.write((",".join(map(str, (event_id, digest, *said))) + "\n").encode())


def read(folder: Path) -> Iterator[Record]:
    """Every 2xx of a run, in the order in which each sender heard them."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open() as lines:
            for line in lines:
                event, digest, saying, payment, item, amount, invoice = line.rstrip("\n").split(",")
                yield Record(event, digest, Saying(saying), payment, item, int(amount), invoice)
