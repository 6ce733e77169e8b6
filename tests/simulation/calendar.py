"""The clock jumps, and letters leave: only to those who owe by all that was ever reported."""

from datetime import timedelta

from ledger import outbox
from ledger.letters import claiming, reminders
from ledger.letters.claiming import Addressed
from tests.builders import ZONE
from tests.simulation.fate import Died
from tests.simulation.world import World
from workers.reminders import is_money_known

_AT_ONCE = -1.0


def jump(world: World) -> bool:
    """Hours pass, or weeks."""
    world.now += timedelta(hours=world.dice.choice((1, 5, 24, 24 * 8, 24 * 15)))
    return True


def plan(world: World) -> bool:
    """Steps are planned for invoices that have none."""
    with world.store.transaction() as books:
        reminders.plan(books, ZONE)
    return True


def write_due(world: World) -> bool:
    """Letters are written for steps whose time has come."""
    if not is_money_known(world.store, _AT_ONCE):
        return True
    with world.store.transaction() as books:
        due = reminders.due_invoices(books, world.now)
    for invoice_id in due:
        with world.store.transaction() as books:
            world.done["letters written"] += reminders.write(books, invoice_id, world.now)
    return True


def post(world: World) -> bool:
    """Letters are claimed, leave, and are noted as sent; dying in between sends one again."""
    passed_over: set[int] = set()
    while is_money_known(world.store, _AT_ONCE):
        with world.store.transaction() as books:
            claimed = claiming.claim(books, world.now, passed_over)
        if claimed is None:
            break
        if not isinstance(claimed, Addressed):
            passed_over.add(claimed.errand_id)
            continue
        _leave(world, claimed)
    return True


def _leave(world: World, claimed: Addressed) -> None:
    key, number = claimed.leased.key, claimed.overdue.number
    (invoice,) = (each for each in world.model.invoices.values() if each.number == number)
    payments = world.reported()
    assert world.model.may_be_chased(invoice, payments), f"{number} is chased"
    owed_minor = invoice.payable_minor - world.model.most_paid(invoice, payments)
    is_tight = world.model.is_tight(invoice, payments)
    assert claimed.overdue.open.minor == owed_minor or not is_tight
    assert invoice.due_on is not None
    assert world.now.date() >= invoice.due_on + timedelta(days=claimed.step_days)
    assert key not in world.finished, f"{key} was sent before"
    world.letters[key] = number
    world.done["letters sent"] += 1
    try:
        with world.store.transaction() as books:
            outbox.finish(books, claimed.leased)
    except Died as death:
        if death.is_committed:
            world.finished.add(key)
        raise
    world.finished.add(key)
