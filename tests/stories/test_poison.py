"""Events that bring down whoever reads them: the others are settled, and nobody else is blamed.

No event can really do that to our code, so the poison lies below it: the workers run on a standard
library whose JSON decoder has flaws that some texts touch off (`flaw/sitecustomize.py`). All of our
own code runs as it is; only the two time limits are shorter, set on the worker's command line. One
more kind is an event that keeps the database busy for too long, by a trigger of this test's own.
"""

import time
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stripe_events import sisters

# Nearly all of it is waiting: it may share the machine with other stories.
pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("poison")]

FLAW = str(Path(__file__).parent / "flaw")
LIMITS = ("task.soft_time_limit=3", "task.time_limit=6")
OTHERS_SETTLED_WITHIN_SECONDS = 120.0
POISONED = {
    "poison-crash": "its worker died without a word",
    "poison-memory": "MemoryError",
    "poison-loop": "SoftTimeLimitExceeded",
    "poison-deaf": "its worker died without a word",
    "poison-slow": "SoftTimeLimitExceeded",
}
_SLOW = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$;
CREATE TRIGGER dawdle BEFORE INSERT ON facts FOR EACH ROW
WHEN (NEW.reference = 'pi_poison-slow') EXECUTE FUNCTION dawdle()
"""


def start_workers(plant: Plant) -> None:
    for name in ("money", "second"):
        plant.start_worker(name, configuration=LIMITS, PYTHONPATH=FLAW)


def test_whatever_kills_its_worker_is_dead_alone_and_all_others_are_settled(
    plant: Plant, desk: Desk
):
    invoice = desk.invoice(desk.open(), "100000")
    with desk.store.transaction() as books:
        books.run(_SLOW)
    plant.start_web()
    plant.wait_for(plant.is_web_ready, "the web")
    innocent = [b for n in range(60) for b in sisters(f"p{n}", 100, str(invoice.number))]
    poison = [next(sisters(sign, 100, str(invoice.number))) for sign in POISONED]
    first_batch = [*innocent[:90], *poison, *innocent[90:]]
    assert plant.post_all(first_batch, hands=1) == [200] * 185

    began = time.monotonic()
    start_workers(plant)
    plant.start_beat()
    plant.wait_for(lambda: done(desk) == 180, "the others", OTHERS_SETTLED_WITHIN_SECONDS)
    late = list(sisters("late", 100, str(invoice.number)))
    assert plant.post_all(late) == [200] * 3
    plant.wait_for(lambda: done(desk) == 183, "who came later", OTHERS_SETTLED_WITHIN_SECONDS)
    plant.wait_for(lambda: len(dead(desk)) == len(POISONED), "the poison", 240)

    assert time.monotonic() - began < 400
    for sign, reason in POISONED.items():
        told = dead(desk)[f"evt_{sign}_s"]
        assert told.startswith("used_up: tried 5 times: "), told
        assert reason in told
    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state") == [
        ("dead", 5),
        ("done", 183),
    ]
    assert [kind for kind, _ in desk.attention()] == ["dead_event"] * 5
    assert desk.standing(invoice.id).paid_minor == 61 * 100
    assert desk.differences() == []


def done(desk: Desk) -> int:
    return int(desk.query("SELECT count(*) FROM inbox WHERE state = 'done'")[0][0])


def dead(desk: Desk) -> dict[str, str]:
    return dict(desk.query("SELECT event_id, reason FROM inbox WHERE state = 'dead'"))
