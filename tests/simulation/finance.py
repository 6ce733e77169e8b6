"""What finance decides over money: linked, unlinked, assigned; credit notes and write-offs."""

from dataclasses import dataclass

from domain.invoices import Standing
from ledger.books import linking, reducing
from tests.simulation.model import Invoice
from tests.simulation.people import word
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class _Held:
    """A payment as the books show it."""

    id: int
    name: str
    client: int | None
    currency: str
    credit_minor: int


def link(world: World) -> bool:
    """Credit is meant for another invoice of its client, or nobody's money for anybody's."""
    pairs = [(held, each) for held in _rich(world) for each in _open_to(world, held)]
    if not pairs:
        return False
    held, invoice = world.dice.choice(pairs)
    world.act(
        lambda books: linking.link(books, held.id, invoice.id, word(world)),
        lambda _: world.model.link(held.name, invoice, world.settled()[held.name]),
    )
    return True


def unlink(world: World) -> bool:
    """A payment is taken off an invoice."""
    linked = world.look(
        "SELECT p.id, p.gateway_reference, n.invoice_id FROM payments p"
        " JOIN intents n ON n.payment_id = p.id ORDER BY 1, 3"
    )
    if not linked:
        return False
    id_, name, invoice = world.dice.choice(linked)
    world.act(
        lambda books: linking.unlink(books, id_, word(world), invoice),
        lambda _: world.model.unlink(name, world.model.invoices[invoice], world.settled()[name]),
    )
    return True


def assign(world: World) -> bool:
    """Somebody knows whose money it is."""
    nobodys = [held for held in _payments(world) if held.client is None]
    if not nobodys:
        return False
    held = world.dice.choice(nobodys)
    client = world.dice.choice(world.clients)

    def then(is_new: bool) -> None:
        assert is_new
        world.model.owners[held.name] = client

    world.act(lambda books: linking.assign(books, held.id, client, word(world)), then)
    return True


def credit_note(world: World) -> bool:
    """The client owes less, perhaps less than was paid."""
    issued = [each for each in _issued(world) if each.payable_minor]
    if not issued:
        return False
    chosen = world.dice.choice(issued)
    minor = world.dice.randint(1, max(1, chosen.payable_minor // 2))

    def then(_: Standing) -> None:
        chosen.credited_minor += minor

    world.act(lambda books: reducing.credit_note(books, chosen.id, word(world), minor), then)
    return True


def write_off(world: World) -> bool:
    """What is open of an invoice is given up."""
    open_ids = {id_ for (id_,) in world.look(_OPEN)}
    chosen = [each for each in _issued(world) if each.id in open_ids]
    if not chosen:
        return False
    invoice = world.dice.choice(chosen)

    def then(standing: Standing) -> None:
        invoice.written_off_minor = standing.written_off_minor
        assert not standing.is_open

    world.act(lambda books: reducing.write_off(books, invoice.id, word(world)), then)
    return True


def undo_write_off(world: World) -> bool:
    """It is owed after all."""
    given_up = [each for each in _issued(world) if each.written_off_minor]
    if not given_up:
        return False
    chosen = world.dice.choice(given_up)

    def then(_: Standing) -> None:
        chosen.written_off_minor = 0

    world.act(lambda books: reducing.undo_write_off(books, chosen.id, word(world)), then)
    return True


_OPEN = """
SELECT id FROM invoices
WHERE state = 'issued' AND paid_minor + credited_minor + written_off_minor < total_minor
"""


def _payments(world: World) -> list[_Held]:
    rows = world.look(
        "SELECT id, gateway_reference, client_id, currency, unapplied_minor + unidentified_minor"
        " FROM payments ORDER BY id"
    )
    return [_Held(*row) for row in rows]


def _rich(world: World) -> list[_Held]:
    return [held for held in _payments(world) if held.credit_minor]


def _open_to(world: World, held: _Held) -> list[Invoice]:
    """The invoices that it may be linked to and is not yet."""
    meant = world.model.meant(held.name, world.settled()[held.name])
    return [
        each
        for each in world.model.invoices.values()
        if each.state != "void"
        and each.currency == held.currency
        and each.client == (held.client or each.client)
        and each.id not in meant
    ]


def _issued(world: World) -> list[Invoice]:
    return [each for each in world.model.invoices.values() if each.state == "issued"]
