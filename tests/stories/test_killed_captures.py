"""SIGKILL at every point of a capture: the money is taken once, and booked once."""

import os
import signal
from typing import NamedTuple

import pytest

from sandbox.running import Running
from tests.desk import Desk
from tests.processes import children
from tests.stories import pretend
from tests.stories.capture_points import ARRIVED, POINTS, TOKEN, Point, Seen, Who
from tests.stories.gates import Standing
from tests.stories.payers import BASE_URL, Bill, Payers
from tests.stories.places import Places
from tests.stories.plant import Plant
from tests.waiting import is_alive

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stories")]


class Story(NamedTuple):
    """An installation that takes the money of PayPal's orders, and is killed meanwhile."""

    plant: Plant
    desk: Desk
    payers: Payers
    places: Places
    settings: dict[str, str]

    def start(self, kind: str, number: int) -> None:
        """One that tells the database its kind and number; they are never used twice."""
        own = {**self.settings, "PGAPPNAME": f"{kind}-{number}"}
        if kind == "web":
            self.plant.start_web(part="all", BASE_URL=BASE_URL, **own)
        else:
            self.plant.start_worker("worker", **own)

    def is_there(self, order: str) -> Seen:
        about = f"position('{order}' IN convert_from(raw, 'UTF8')) > 0"
        ((approvals, errand, answers, facts),) = self.desk.query(
            f"""
            SELECT (SELECT count(*) FROM inbox WHERE kind = 'CHECKOUT.ORDER.APPROVED' AND {about}),
                   coalesce((SELECT state FROM outbox
                             WHERE effect = 'capture' AND subject = 'order:{order}'), ''),
                   (SELECT count(*) FROM inbox WHERE source = 'lookup' AND {about}),
                   (SELECT count(*) FROM facts JOIN inbox ON inbox.id = inbox_id
                    WHERE move = 'in' AND {about})
            """
        )
        taken = self.places.sandbox.ask(lambda world: len(world.paypal.orders[order].captures))
        return Seen(approvals, errand, taken, answers, facts)

    def leased(self) -> set[str]:
        """The orders whose errands are in somebody's hands, the dead's or not."""
        found = self.desk.query(
            "SELECT subject FROM outbox WHERE effect = 'capture' AND state = 'claimed'"
        )
        return {subject.removeprefix("order:") for (subject,) in found}


def test_whoever_is_killed_anywhere_in_a_capture_the_money_is_taken_and_booked_once(
    plant: Plant, desk: Desk, sandbox: Running, payers: Payers, places: Places
):
    story = Story(plant, desk, payers, places, pretend.settings(sandbox))
    for kind in ("web", "worker"):
        story.start(kind, 0)
    plant.start_beat()
    plant.wait_for(plant.is_web_ready, "the web")
    bills = [payers.bill() for _ in POINTS]
    orders = [_ordered(story, bill) for bill in bills]

    for number, (point, order) in enumerate(zip(POINTS, orders, strict=True), 1):
        _kill_at(story, point, order, number)
    left = [order for point, order in zip(POINTS, orders, strict=True) if point.has_lease]
    _end_leases(desk, left)
    plant.wait_for(lambda: pretend.is_level(desk, sandbox), "books that are level", 90)

    counted = sandbox.counted("paypal")
    tried_again = desk.query(
        "SELECT count(*) FROM outbox WHERE effect = 'capture' AND attempts > 1"
    )
    print(f"{tried_again} taken up once more, {counted}")  # noqa: T201 - how often
    assert tried_again == [(len(left),)] == [(6,)]
    assert counted["replayed"] >= 3
    assert counted["dropped"] >= len(orders)
    assert [story.is_there(order) for order in orders] == [Seen(1, "done", 1, 1, 1)] * 19
    assert len([row for row in sandbox.rows("paypal") if row.move == "in"]) == len(orders)
    assert len(desk.payments()) == len(orders)
    assert desk.query("SELECT DISTINCT state FROM attempts") == [("succeeded",)]
    assert not any(desk.standing(bill.invoice_id).is_open for bill in bills)
    assert desk.attention() == []
    assert desk.differences() == []


def _ordered(story: Story, bill: Bill) -> str:
    """The order that a click opened."""
    assert story.payers.click(bill, "paypal", "web").status_code == 303
    (order,) = story.payers.opened(bill, "paypal")
    return order


def _kill_at(story: Story, point: Point, order: str, number: int) -> None:
    """The customer agrees; whoever comes to the point is killed there and started again.

    What PayPal itself tells of the capture is lost: only the errand can bring it home.
    """
    places, before = story.places, story.places.held(point.place, "paypal")
    if point.place is TOKEN:
        places.sandbox.ask(lambda world: world.paypal.tokens.clear())
    with places.closed(point.place, "paypal", order):
        places.sandbox.turn("paypal", drop=0)
        story.payers.pay("paypal", order)
        places.sandbox.turn("paypal", drop=1)
        standing = places.met(point.place, "paypal", before)
        seen = story.is_there(order)
        _kill(story, point.who, standing)
    if point.place is ARRIVED:
        # What PayPal was asked to do it does, whoever has died meanwhile.
        story.plant.wait_for(lambda: story.is_there(order).taken == 1, "PayPal's end of it")
    if point.who != "child":
        story.start(point.who, number)

    print(f"{point.who:6} {point.name:34} {standing.statement[:36]:36}", *seen)  # noqa: T201
    assert standing.statement.startswith(point.says)
    assert seen == point.seen
    story.plant.wait_for(lambda: (order in story.leased()) == point.has_lease, "what is left of it")


def _kill(story: Story, who: Who, standing: Standing) -> None:
    name = "web" if who == "web" else "worker"
    process = story.plant.processes[name]
    assert standing.process.startswith((name, "the gateway"))
    if who == "child":
        (child,) = children(process.pid)
        os.kill(child, signal.SIGKILL)
        story.plant.wait_for(lambda: not is_alive(child), "the child's end")
        assert process.poll() is None
    else:
        story.plant.kill(name)
        assert process.returncode == -signal.SIGKILL


def _end_leases(desk: Desk, left: list[str]) -> None:
    """Ends those that only the dead had: what is left of their minute would be waited for."""
    named = ", ".join(f"'order:{order}'" for order in left)
    desk.query(
        "UPDATE outbox SET lease_until = least(lease_until, now() - interval '1 s')"
        f" WHERE state = 'claimed' AND subject IN ({named}) RETURNING id"
    )
