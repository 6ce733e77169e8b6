"""SIGKILL at every point of a refund: the money goes back once, and is booked once."""

import os
import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from ledger.access import tokens
from sandbox.running import Running
from tests.desk import Desk
from tests.processes import children
from tests.stories import clockwork, once_points, pretend
from tests.stories.gates import Standing
from tests.stories.giving_back import IN_LEI, TOKEN, Paid, Story
from tests.stories.once_points import ONCE
from tests.stories.payers import Payers
from tests.stories.places import Places
from tests.stories.plant import Plant
from tests.stories.refund_points import ASKS_TOKEN, DONE, POINTS, Point, Seen, arrived
from tests.waiting import is_alive

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("stories")]

_TIMES = 3


def test_whoever_is_killed_anywhere_in_a_refund_the_money_goes_back_and_is_booked_once(
    plant: Plant, desk: Desk, sandbox: Running, payers: Payers, places: Places
):
    story = _open(Story(plant, desk, payers, places, pretend.settings(sandbox)))
    paid = _kill_at_all(story, POINTS)

    given = [story.is_there(each) for each in paid]
    counted = {name: sandbox.counted(name) for name in ("stripe", "paypal")}
    again = desk.query("SELECT count(*) FROM outbox WHERE effect = 'refund' AND attempts > 1")
    print(f"{again} taken up once more, {counted}")  # noqa: T201 - how often
    assert pretend.is_level(desk, sandbox)
    assert given == [DONE] * len(POINTS)
    assert again == [(sum(point.has_lease and point.seen.state == "open" for point in POINTS),)]
    assert again == [(11,)]
    assert counted["stripe"]["replayed"] >= 5
    assert counted["paypal"]["replayed"] >= 3
    assert desk.query("SELECT count(*) FROM idempotency_keys") == [(len(POINTS),)]
    assert desk.query("SELECT DISTINCT returned_minor, reserved_minor FROM payments") == [
        (1_000, 0)
    ]
    assert desk.query("SELECT count(*), sum(amount_minor) FROM refunds") == [
        (len(POINTS), 1_000 * len(POINTS))
    ]
    assert {kind for kind, _ in desk.attention()} == {"refunded"}
    assert len(desk.attention()) == len(POINTS)
    assert desk.differences() == []


def test_a_gateway_that_knows_no_call_again_is_asked_once_and_a_lost_answer_is_unknown(
    plant: Plant, desk: Desk, sandbox: Running, payers: Payers, places: Places
):
    story = _open(Story(plant, desk, payers, places, pretend.settings(sandbox)))
    paid = _kill_at_all(story, ONCE)

    lost = [each for each, point in zip(paid, ONCE, strict=True) if point.ends != DONE]
    print(f"{len(lost)} of {len(paid)} unknown")  # noqa: T201 - how often
    assert len(lost) == 13
    _is_as_told(story, paid, [point.ends for point in ONCE])
    assert desk.query("SELECT max(attempts) FROM outbox WHERE effect = 'refund'") == [(2,)]
    assert _apart(story) == {each.reference for each in lost if story.is_there(each).gone}

    resent = sandbox.resend()
    sandbox.settle()
    plant.wait_for(story.is_idle, "all that was told now")

    # MobilPay's notice tells what went; NETOPIA's names no refund, and asks for a person.
    ends = [_once_told(point) for point in ONCE]
    found = [each for each, end in zip(paid, ends, strict=True) if each in lost and end.facts]
    print(f"{resent} told now, {len(found)} found")  # noqa: T201 - how often
    assert len(found) == 5
    asked = {
        each.reference for each in lost if each.gateway == "netopia" and story.is_there(each).gone
    }
    assert len(asked) == 5
    _is_as_told(story, paid, ends, asked=len(asked))
    assert _apart(story) == asked

    for each, end in zip(paid, ends, strict=True):
        if end.state == "unknown":
            story.say(each, "went" if end.gone else "end")
    plant.wait_for(lambda: pretend.is_level(desk, sandbox), "books that are level", 90)

    held = "SELECT sum(returned_minor), sum(reserved_minor) FROM payments"
    assert desk.query(held) == [(1_000 * sum(end.gone for end in ends), 0)]
    assert {kind for kind, _ in desk.attention()} == {"refunded"}
    assert desk.differences() == []


def _once_told(point: Point) -> Seen:
    """What there is of it when the gateway's own word has come."""
    is_found = point.gateway == "mobilpay" and point.ends.gone
    return point.ends._replace(state="done", facts=1) if is_found else point.ends


def _is_as_told(story: Story, paid: list[Paid], ends: list[Seen], asked: int = 0) -> None:
    """Each is as it ends: gone and booked, or reserved and shown to a person.

    `asked`: of how many that are unknown NETOPIA told, so that a person is asked how much it was.
    """
    desk, is_done = story.desk, [end.state == "done" for end in ends]
    for each, end in zip(paid, ends, strict=True):
        assert story.is_there(each)._replace(told=end.told) == end
        assert desk.query(
            f"SELECT returned_minor, reserved_minor FROM payments WHERE id = {each.id}"
        ) == [(1_000, 0) if end.state == "done" else (0, 1_000)]
    assert Counter(kind for kind, _ in desk.attention()) == Counter(
        refunded=sum(is_done), refund_failed=len(ends) - sum(is_done), refund_untold=asked
    )


def _open(story: Story) -> Story:
    story.desk.store.act(lambda books: tokens.add(books, "story", TOKEN))
    for name in ("web", "network", "money", "beat"):
        story.start(name, 0)
    return story


def _kill_at_all(story: Story, points: Sequence[Point]) -> list[Paid]:
    """One payment for each point, and one killing; until nothing is left to do."""
    counts = Counter(point.gateway for point in points)
    with clockwork.ticking(story.plant.broker, ("errands.refund", "errands.look_up")):
        made = {name: iter(story.pay(name, count)) for name, count in counts.items()}
        paid = [next(made[point.gateway]) for point in points]
        for number, (point, each) in enumerate(zip(points, paid, strict=True), 1):
            _kill_at(story, point, each, number)
            _goes_on(story, point, each)
        story.plant.wait_for(story.is_idle, "all that is left to do", 90)
    return paid


def _apart(story: Story) -> set[str]:
    """The payments of which the gateways know something else than the books."""
    ours, theirs = pretend.booked(story.desk), pretend.at_gateways(story.places.sandbox)
    return {key[0] for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}


def _kill_at(story: Story, point: Point, paid: Paid, number: int) -> None:
    """The client asks for money back; whoever comes to the point is killed and started again."""
    places, gateway = story.places, point.gateway
    held_before = places.held(point.place, gateway)
    story.remember(paid)
    if point.place is ASKS_TOKEN:
        places.sandbox.ask(lambda world: world.paypal.tokens.clear())
    places.sandbox.turn(gateway, drop=0 if point.meanwhile else 1)
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        if point.meanwhile:
            stack.enter_context(places.closed(point.meanwhile, gateway, paid.reference))
        about = "" if point.is_sealed else paid.reference
        stack.enter_context(places.closed(point.place, gateway, about, paid.id))
        asked = pool.submit(story.ask_back, paid)
        standing = places.met(point.place, gateway, held_before)
        seen = story.is_there(paid)
        _kill(story, point, standing)
    if point.place in (*map(arrived, ("stripe", "paypal")), *map(once_points.arrived, IN_LEI)):
        # What a gateway was asked to do it does, whoever has died meanwhile.
        story.plant.wait_for(lambda: story.is_there(paid).gone == 1, "the gateway's end of it")
    told = f"{gateway:8} {point.who:13} {point.name:33} {standing.statement[:36]:36}"
    print(told, *seen)  # noqa: T201 - the table
    assert standing.statement.startswith(point.says)
    assert seen == point.seen
    _answered(point, asked)
    if point.has_lease:
        story.plant.wait_for(lambda: bool(story.leased(paid)), "what is left of it")
    if not point.who.endswith("child"):
        story.start(point.who, number)


def _kill(story: Story, point: Point, standing: Standing) -> None:
    name, _, child = point.who.partition(" ")
    process = story.plant.processes[name]
    assert point.who == "beat" or standing.process.startswith((name, "the gateway"))
    if child:
        (pid,) = children(process.pid)
        os.kill(pid, signal.SIGKILL)
        story.plant.wait_for(lambda: not is_alive(pid), "the child's end")
        assert process.poll() is None
    else:
        story.plant.kill(name)
        assert process.returncode == -signal.SIGKILL


def _answered(point: Point, asked: "Future[dict[str, Any]]") -> None:
    """The client has an answer, unless the web died in its act."""
    if point.who == "web" and not point.seen.errand:
        with pytest.raises(httpx.TransportError):
            asked.result()
    else:
        assert asked.result()["state"] in ("OPEN", "SENT", "DONE")


def _goes_on(story: Story, point: Point, paid: Paid) -> None:
    """The client asks again, answered or not; in the end it went back once."""
    with ThreadPoolExecutor(_TIMES) as pool:
        again = [pool.submit(story.ask_back, paid) for _ in range(_TIMES)]
        assert len({each.result()["id"] for each in again}) == 1
    if point.has_lease:
        story.end_leases(paid)

    def is_over() -> bool:
        return story.is_there(paid)._replace(told=point.ends.told) == point.ends

    story.plant.wait_for(is_over, f"the end of {point}", 90)
