"""What people do: invoices drafted, issued and voided, words said, stops put, events replayed."""

from functools import partial

from domain.invoices import Standing
from domain.money import Money
from ledger import stops
from ledger.books import clients, holds, invoices, issuing, seller
from ledger.books.acting import Word
from ledger.inbox import replaying
from ledger.store import Books
from tests.builders import ZONE, a_line
from tests.desk import SELLER
from tests.simulation.model import Invoice
from tests.simulation.world import World

MOST_DRAFTS = 4
_REPLAYED = 3


def open_shop(world: World) -> None:
    """A seller and three clients, before anything happens."""
    with world.plain.transaction() as books:
        seller.put(books, SELLER)
        for name, terms_days in (("Ana SRL", 0), ("Bogdan SRL", 10), ("Carmen PFA", 30)):
            new = clients.NewClient(name, email="post@example.ro", terms_days=terms_days)
            world.clients.append(clients.add(books, new))


def draft(world: World) -> bool:
    """An invoice is entered; money may be meant for it before it is issued."""
    if len(_invoices(world, "draft")) > MOST_DRAFTS:
        return False
    currency = world.dice.choice(("RON", "RON", "EUR"))
    client = world.dice.choice(world.clients)
    line = a_line(str(world.dice.randint(10, 900)), discount=Money(currency, 0))
    new = invoices.Draft(client, currency, (line,))

    def then(found: tuple[int, int]) -> None:
        id_, total_minor = found
        world.model.invoices[id_] = Invoice(id_, client, currency, total_minor)

    world.act(lambda books: _drafted(books, new), then)
    return True


def issue(world: World) -> bool:
    """A draft is issued, and money that was meant for it applied."""
    drafts = _invoices(world, "draft")
    if not drafts:
        return False
    chosen = world.dice.choice(drafts)
    today = world.now.astimezone(ZONE).date()

    def then(issued: Standing) -> None:
        assert issued.number is not None
        assert issued.due_on is not None
        chosen.state, chosen.number, chosen.due_on = "issued", issued.number, issued.due_on

    world.act(lambda books: issuing.issue(books, chosen.id, "test", today, ZONE), then)
    return True


def void(world: World) -> bool:
    """An issued invoice is taken back; what paid it is credit again."""
    issued = [i for i in _invoices(world, "issued") if i.payable_minor == i.total_minor]
    if len(issued) <= 2 * len(_invoices(world, "void")):
        return False
    chosen = world.dice.choice(issued)

    def then(_: Standing) -> None:
        chosen.state = "void"

    world.act(lambda books: issuing.void(books, chosen.id, word(world)), then)
    return True


def say_owed_again(world: World) -> bool:
    """A person says of a held invoice that it is owed all the same."""
    held = world.model.held(world.settled())
    if not held:
        return False
    chosen = world.dice.choice(held)
    today = world.now.astimezone(ZONE).date()
    world.act(
        lambda books: holds.owed_again(books, chosen.id, "test", "goods kept", today, ZONE),
        lambda _: world.model.say_owed_again(chosen, world.settled()),
    )
    return True


def word(world: World) -> Word:
    """Who acts, why, and on which day."""
    return Word("test", "a person says so", world.now.astimezone(ZONE).date(), ZONE)


def stop(world: World) -> bool:
    """Letters or settling stand still."""
    what = world.dice.choice(list(stops.Stop))
    world.act(lambda books: stops.put(books, what, "test", "let me look"))
    return True


def resume(world: World) -> bool:
    """Everything goes on."""
    standing = world.look("SELECT what FROM stops ORDER BY what")
    for (what,) in standing:
        world.act(partial(stops.remove, what=stops.Stop(what), actor="test", reason=None))
    return bool(standing)


def replay_dead(world: World) -> bool:
    """What is dead is settled once more, by a person who has mended the cause."""
    return _replay(world, "SELECT id FROM inbox WHERE state = 'dead' ORDER BY id")


def replay_any(world: World) -> bool:
    """What was settled long ago is settled once more; nothing may change."""
    return _replay(world, "SELECT id FROM inbox WHERE state IN ('done', 'ignored') ORDER BY id")


def _replay(world: World, query: str) -> bool:
    found = [id_ for (id_,) in world.look(query)]
    if not found:
        return False
    chosen = world.dice.sample(found, min(_REPLAYED, len(found)))
    world.settled()  # what was done is remembered as done: it is in the books
    world.act(lambda books: replaying.put_back(books, chosen, "test", "mended"))
    return True


def _drafted(books: Books, new: invoices.Draft) -> tuple[int, int]:
    id_ = invoices.draft(books, new)
    found = invoices.find(books, id_)
    assert found is not None
    return id_, found.total_minor


def _invoices(world: World, state: str) -> list[Invoice]:
    return [each for each in world.model.invoices.values() if each.state == state]
