"""A run: steps chosen by the dice, every law checked after each, and a calm end."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from domain.errors import Refused, TryLater
from tests.simulation import calendar, finance, gateway_side, our_side, people
from tests.simulation.fate import Died
from tests.simulation.report import Report
from tests.simulation.truth import check, check_all_settled, check_chased
from tests.simulation.world import World, created

Action = Callable[[World], bool]

MOST_MORE = 4_000  # steps to reach the floors; a run that needs more has lost an action

# How likely an action is, beside the others; most of a run is selling, delivering and settling.
ACTIONS: Mapping[Action, int] = {
    gateway_side.sell: 6,
    gateway_side.grow: 1,
    gateway_side.refund: 3,
    gateway_side.refund_moves_on: 3,
    gateway_side.dispute: 2,
    gateway_side.win_dispute: 2,
    gateway_side.chatter: 1,
    gateway_side.deliver: 14,
    gateway_side.duplicate: 3,
    gateway_side.drop: 2,
    our_side.settle: 6,
    our_side.settle_beside_another: 8,
    our_side.settle_and_die: 2,
    our_side.sweep: 2,
    our_side.stumble: 1,
    our_side.be_busy: 1,
    our_side.poison: 1,
    our_side.wait_out: 3,
    people.draft: 3,
    people.issue: 4,
    people.void: 1,
    people.say_owed_again: 2,
    people.stop: 1,
    people.resume: 3,
    people.replay_dead: 2,
    people.replay_any: 2,
    finance.link: 3,
    finance.unlink: 1,
    finance.assign: 1,
    finance.credit_note: 1,
    finance.write_off: 1,
    finance.undo_write_off: 1,
    calendar.jump: 4,
    calendar.plan: 1,
    calendar.write_due: 3,
    calendar.post: 4,
}


NAMES = tuple(action.__name__ for action in ACTIONS)

# What must have happened before something can.
_NEEDS = {
    "post": {"jump", "write_due", "replay_dead", "resume", "settle"},
    "letters sent": {"jump", "write_due", "post", "replay_dead", "resume", "settle"},
    "say_owed_again": {"refund", "deliver", "settle"},
    "assign": {"sell", "deliver", "settle"},
    "undo_write_off": {"write_off"},
}

# Whom another worker may meet in the middle of what they do.
_MET: frozenset[Action] = frozenset(
    {
        *(our_side.sweep, people.issue, people.void, people.say_owed_again, calendar.write_due),
        *(finance.link, finance.unlink, finance.assign, finance.credit_note, finance.write_off),
    }
)


def run(dsn: str, seed: int, steps: int) -> Report:
    """Plays so many steps in an empty, migrated database, and more until every floor is reached.

    Raises whatever law was broken, with the seed in a note.
    """
    return _played(dsn, seed, steps, MOST_MORE)


def replay(dsn: str, seed: int, steps: int) -> Report:
    """The same steps, without a look at the floors."""
    return _played(dsn, seed, steps, 0)


def _played(dsn: str, seed: int, steps: int, most_more: int) -> Report:
    with created(dsn, seed) as world:
        report = Report(seed, steps, world.done, world.fate.passed, world.fate.died)
        people.open_shop(world)
        try:
            for _ in range(steps):
                _step(world, report)
            _reach_floors(world, report, most_more)
            _calm_down(world)
        except BaseException as error:
            last = ", ".join(world.last)
            error.add_note(f"rerun with --seed {seed} --steps {steps}; what happened last: {last}")
            raise
        world.done["events"] = len(world.shop.events)
        world.done["payments"] = len(world.settled())
        return report


def _reach_floors(world: World, report: Report, most: int) -> None:
    more = 0
    while most and (missing := report.missing(NAMES)):
        assert more < most, f"this never happened: {missing}"
        more += 1
        _step(world, report)
    world.done["more steps"] = more


def _step(world: World, report: Report) -> None:
    """One action with whatever befalls it, then every law."""
    missing = set(report.missing(NAMES))
    for wanted in missing & _NEEDS.keys():
        missing |= _NEEDS[wanted]
    weights = [weight + 12 * (action.__name__ in missing) for action, weight in ACTIONS.items()]
    while True:
        (action,) = world.dice.choices(list(ACTIONS), weights)
        if _survived(world, action):
            break
    world.done[action.__name__] += 1
    check(world)


def _survived(world: World, action: Action) -> bool:
    """Whether the action happened, if only in part."""
    world.fate.is_armed = True
    world.last.append(action.__name__)
    if action in _MET and world.dice.random() < 0.4:
        our_side.meet_another(world)
    try:
        return action(world)
    except Died as death:
        world.last.append(f"died {death}")
        world.done["died"] += 1
    except TryLater:
        world.done["world was busy"] += 1
    except Refused:  # another hand was faster: nothing changed, and the laws are checked
        world.done["refused"] += 1
    finally:
        world.fate.is_armed = False
        world.fate.call_off()
    return True


_CALMING: tuple[Action, ...] = (
    people.resume,
    people.replay_dead,
    our_side.wait_out,
    our_side.settle,
    our_side.sweep,
)


def _calm_down(world: World) -> None:
    """Nothing befalls anybody any more: all that was told arrives, and all of it is settled."""
    while world.undelivered:
        gateway_side.deliver(world)
    waiting = "SELECT id FROM inbox WHERE state IN ('received', 'parked', 'dead')"
    rounds = 0
    while rounds < 3 or world.look(waiting):
        for action in _CALMING:
            action(world)
        rounds += 1
        assert rounds < 200, "what waits is never settled"
    check(world)
    check_all_settled(world)
    _let_letters_go(world)


def _let_letters_go(world: World) -> None:
    for _ in range(3):
        world.now += timedelta(days=45)
        for action in (calendar.plan, calendar.write_due, calendar.post):
            action(world)
        check(world)
    check_chased(world)
