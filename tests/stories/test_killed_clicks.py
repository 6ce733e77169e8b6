"""SIGKILL at every point of a click: the customer clicks again, and there is one session to pay."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest

from sandbox.running import Running
from tests.desk import Desk
from tests.stories import pretend
from tests.stories.gates import Gate
from tests.stories.payers import BASE_URL, Bill, Payers
from tests.stories.places import Held, Locked, Place, Places
from tests.stories.plant import Plant

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stories")]

_CLICKS, _HANDS = 20, 8


class Left(NamedTuple):
    """What is there of a bill: attempts, those with a session, and sessions at the gateway."""

    attempts: int
    stored: int
    opened: int


class Point(NamedTuple):
    """Where a web process dies; `says` begins its statement there, '' where it has none.

    `seen` is what is there when it is killed, `left` when the rest of the world is done with it.
    """

    name: str
    place: Place
    says: str
    seen: Left
    left: Left


_NOTHING, _ATTEMPT, _OPENED, _STORED = Left(0, 0, 0), Left(1, 0, 0), Left(1, 0, 1), Left(1, 1, 1)
_ARRIVED = Held("hold_before")

_EVERY = (
    Point("link about to be locked", Locked("pay_links"), "SELECT FROM pay_links", *[_NOTHING] * 2),
    Point(
        "attempt about to be written",
        Gate("insert", "attempts", "before"),
        "INSERT INTO attempts",
        _NOTHING,
        _NOTHING,
    ),
    Point(
        "its invoices about to be written",
        Gate("insert", "attempt_invoices", "before"),
        "INSERT INTO attempt_invoices",
        _NOTHING,
        _NOTHING,
    ),
    Point(
        "attempt at its commit",
        Gate("insert", "attempts", "commit"),
        "COMMIT",
        _NOTHING,
        _ATTEMPT,
    ),
    Point("call arrived, nothing done", _ARRIVED, "", _ATTEMPT, _OPENED),
    Point("session opened, not answered", Held("hold_after"), "", _OPENED, _OPENED),
    Point(
        "session about to be written",
        Gate("update", "attempts", "before"),
        "UPDATE attempts SET session",
        _OPENED,
        _OPENED,
    ),
    Point(
        "session at its commit, no redirect",
        Gate("update", "attempts", "commit"),
        "COMMIT",
        _OPENED,
        _STORED,
    ),
)
# The first at PayPal: a web that was there before has its token, and no worker asks for one yet.
_TOKEN = Point("token asked for", Held("hold_before", "/oauth2/token"), "", _ATTEMPT, _ATTEMPT)
_POINTS = [
    *(("stripe", point) for point in _EVERY),
    *(("paypal", point) for point in (_TOKEN, *_EVERY)),
]


class Story(NamedTuple):
    """An installation whose webs die one after the other; each next one is the last one again."""

    plant: Plant
    desk: Desk
    payers: Payers
    places: Places
    settings: dict[str, str]

    def webs(self) -> Iterator[str]:
        """Web processes that answer, each started while its forerunner is at work."""
        number = 1
        self._start(number)
        while True:
            self._start(number + 1)
            name = f"web-{number}"
            self.plant.wait_for(lambda name=name: self.plant.is_web_ready(name), name)  # type: ignore[misc]
            yield name
            number += 1

    def is_there(self, bill: Bill, gateway: str) -> Left:
        ((attempts, stored),) = self.desk.query(
            f"SELECT count(*), count(session) FROM attempts WHERE invoice_id = {bill.invoice_id}"
        )
        return Left(attempts, stored, len(self.payers.opened(bill, gateway)))

    def _start(self, number: int) -> None:
        name = f"web-{number}"
        self.plant.start_web(name, part="all", PGAPPNAME=name, BASE_URL=BASE_URL, **self.settings)


def test_a_web_killed_anywhere_in_a_click_leaves_one_session_that_is_paid_once(
    plant: Plant, desk: Desk, sandbox: Running, payers: Payers, places: Places
):
    story = Story(plant, desk, payers, places, pretend.settings(sandbox))
    bills = [(gateway, story.payers.bill()) for gateway, _ in _POINTS]
    story.plant.start_web(**story.settings)
    story.plant.start_worker("worker", **story.settings)
    story.plant.start_beat()
    webs = story.webs()
    web = next(webs)
    for (gateway, point), (_, bill) in zip(_POINTS, bills, strict=True):
        following = next(webs)
        _kill_at(story, point, gateway, bill, web, following)
        _click_often(story, gateway, bill, following)
        for id_ in payers.opened(bill, gateway):
            payers.pay(gateway, id_)
        web = following
    story.plant.wait_for(lambda: pretend.is_level(story.desk, sandbox), "books that are level", 90)

    moved = [row for name in ("stripe", "paypal") for row in sandbox.rows(name) if row.move == "in"]
    assert len(moved) == len(bills) == len(story.desk.payments()) == 17
    assert not any(story.desk.standing(bill.invoice_id).is_open for _, bill in bills)
    assert story.desk.attention() == []
    assert story.desk.differences() == []


def _kill_at(
    story: Story, point: Point, gateway: str, bill: Bill, web: str, following: str
) -> None:
    """One click at this web, which is killed where the point says and nowhere else."""
    places, before = story.places, story.places.held(point.place, gateway)
    process = story.plant.processes[web]
    with ThreadPoolExecutor(1) as pool:
        with places.closed(point.place, gateway, bill.about, bill.link_id):
            click = pool.submit(story.payers.click, bill, gateway, web)
            standing = places.met(point.place, gateway, before)
            seen = story.is_there(bill, gateway)
            story.plant.kill(web)
            if point.place is _ARRIVED:
                # The gateway is still at work for the dead, and turns away whoever asks again.
                assert story.payers.click(bill, gateway, following).status_code == 503
        with pytest.raises(httpx.TransportError):
            click.result()
    story.plant.wait_for(lambda: places.gates.is_gone(web), f"the end of {web}")
    story.plant.wait_for(lambda: story.is_there(bill, gateway) == point.left, str(point.left))

    assert process.returncode == -9
    told = f"{gateway:6} {point.name:34} {standing.statement[:28]:28}"
    print(told, *seen, "->", *point.left)  # noqa: T201 - the table
    assert standing.process in ("the gateway's caller", web)
    assert standing.statement.startswith(point.says)
    assert seen == point.seen


def _click_often(story: Story, gateway: str, bill: Bill, web: str) -> None:
    """Twenty clicks, as of somebody who saw an error page: one session, and all are led to it."""
    with ThreadPoolExecutor(_HANDS) as pool:
        clicks = [pool.submit(story.payers.click, bill, gateway, web) for _ in range(_CLICKS)]
        answers = [each.result() for each in clicks]
    led = [answer.headers["location"] for answer in answers if answer.status_code == 303]
    assert {answer.status_code for answer in answers} <= {303, 503}
    assert len(led) >= _CLICKS // 2
    assert len(set(led)) == 1
    (session,) = story.payers.opened(bill, gateway)
    assert session in led[0]
    assert story.is_there(bill, gateway) == _STORED
