"""A plant of real processes for every story; stories take turns, they own their machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests import stripe_events
from tests.desk import Desk
from tests.stories.gates import Gates
from tests.stories.payers import Payers
from tests.stories.places import Places
from tests.stories.plant import Plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    yield plant
    plant.close()


@pytest.fixture
def desk(plant: Plant) -> Iterator[Desk]:
    desk = plant.open()
    yield desk
    desk.store.close()


@pytest.fixture
def sandbox(plant: Plant) -> Iterator[Running]:
    options = Options(
        f"http://127.0.0.1:{plant.port}/webhooks",
        stripe_secrets=(stripe_events.SECRET,),
        seed=11,
        settle_seconds=0.1,
    )
    with running.beside(options) as sandbox:
        yield sandbox


@pytest.fixture
def payers(plant: Plant, desk: Desk, sandbox: Running) -> Iterator[Payers]:
    desk.open()
    payers = Payers(plant, desk, sandbox)
    yield payers
    payers.browser.close()


@pytest.fixture
def places(plant: Plant, desk: Desk, sandbox: Running) -> Iterator[Places]:
    gates = Gates(plant.dsn)
    yield Places(gates, sandbox)
    gates.close()
