"""A plant of real processes for every story; stories take turns, they own their machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk import Desk
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
