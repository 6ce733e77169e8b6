"""What happens at the gateway, and on the way from there: sold, refunded, disputed; delivered."""

from domain.ids import Kind, public
from ledger.inbox.arrivals import NotKept
from tests.simulation.shop import Purchase
from tests.simulation.world import World


def sell(world: World) -> bool:
    """Somebody pays for an invoice, exactly, in part or too much; perhaps after failing once."""
    if not world.model.invoices:
        return False
    invoices = list(world.model.invoices.values())
    lively = [each for each in invoices if each.state != "void"]
    invoice = world.dice.choice(lively if world.dice.random() < 0.9 and lively else invoices)
    number = len(world.shop.purchases)
    is_by_number = invoice.number and world.dice.random() < 0.7
    text = invoice.number if is_by_number else str(public(Kind.INVOICE, invoice.id))
    is_silent = world.dice.random() < 0.15
    other = "EUR" if invoice.currency == "RON" else "RON"
    purchase = Purchase(
        number=number,
        currency=other if world.dice.random() < 0.05 else invoice.currency,
        minor=max(100, round(invoice.total_minor * world.dice.choice((0.3, 0.5, 1, 1, 1.2)))),
        invoice=None if is_silent else invoice.id,
        text="" if is_silent else text,
        has_intent=world.dice.random() < 0.8,
    )
    world.shop.purchases.append(purchase)
    world.model.currencies[purchase.name] = purchase.currency
    if world.dice.random() < 0.3:
        world.tell(world.shop.pending(purchase, world.now))
    if world.dice.random() < 0.2:
        world.tell(world.shop.failed(purchase, world.now))
    world.tell(*world.shop.sold(purchase, world.now))
    return True


def grow(world: World) -> bool:
    """A capture grows."""
    purchase = _purchase(world)
    if purchase is None:
        return False
    world.tell(world.shop.grown(purchase, world.now, world.dice.randint(1, 5000)))
    return True


def refund(world: World) -> bool:
    """Money goes back, or is about to; sometimes more than ever came, as disputes make it."""
    purchase = _purchase(world)
    if purchase is None:
        return False
    minor = world.dice.randint(1, purchase.captured_minor)
    status = world.dice.choice(("pending", "succeeded", "succeeded"))
    world.tell(world.shop.refunded(purchase, world.now, minor, status))
    return True


def refund_moves_on(world: World) -> bool:
    """A refund succeeds, or fails after all."""
    purchase = _purchase(world)
    if purchase is None or not purchase.refunds:
        return False
    item = world.dice.choice(list(purchase.refunds))
    status = world.dice.choice(("succeeded", "failed"))
    world.tell(world.shop.refund_moved_on(purchase, world.now, item, status))
    return True


def dispute(world: World) -> bool:
    """The bank takes money back."""
    purchase = _purchase(world)
    if purchase is None:
        return False
    minor = world.dice.choice((purchase.captured_minor, purchase.captured_minor // 2 + 1))
    world.tell(world.shop.disputed(purchase, world.now, minor))
    return True


def win_dispute(world: World) -> bool:
    """The bank gives it back; its report may overtake the one of the dispute."""
    purchase = _purchase(world)
    lost = [] if purchase is None else [*purchase.disputes.keys() - purchase.reinstated]
    if purchase is None or not lost:
        return False
    world.tell(world.shop.won(purchase, world.now, min(lost)))
    return True


def chatter(world: World) -> bool:
    """The gateway tells something that is about no money."""
    world.tell(world.shop.idle(world.now))
    return True


def deliver(world: World) -> bool:
    """Up to six deliveries arrive in one flush, in any order, one of them perhaps twice."""
    if not world.undelivered:
        return False
    waiting = list(world.undelivered)
    most = min(6, len(waiting))
    chosen = world.dice.sample(waiting, world.dice.randint(1, most))
    if min(map(waiting.index, chosen)) > 0 or chosen != sorted(chosen, key=waiting.index):
        world.done["reordered"] += 1
    if world.dice.random() < 0.2:
        chosen.append(chosen[0])
        world.done["doubled in one flush"] += 1
    fates = world.keep(*(world.undelivered[id_].body for id_ in chosen))
    for id_, fate in zip(chosen, fates, strict=True):
        assert isinstance(fate, int) or fate is NotKept.DUPLICATE
        assert isinstance(fate, int) or id_ in chosen[: chosen.index(id_) + 1]
        world.acknowledged.add(id_)
        world.undelivered.pop(id_, None)
    return True


def duplicate(world: World) -> bool:
    """The gateway delivers again what it was answered for; sometimes with other trimmings."""
    if not world.acknowledged:
        return False
    event = world.dice.choice([e for e in world.shop.events if e.id in world.acknowledged])
    is_altered = world.dice.random() < 0.3
    (fate,) = world.keep(event.body + b" " if is_altered else event.body)
    assert fate is (NotKept.DIFFERS if is_altered else NotKept.DUPLICATE)
    world.done["altered"] += is_altered
    return True


def drop(world: World) -> bool:
    """A delivery is lost on the way; the gateway was not answered and will come again."""
    if not world.undelivered:
        return False
    first = next(iter(world.undelivered))
    world.undelivered[first] = world.undelivered.pop(first)
    return True


def _purchase(world: World) -> Purchase | None:
    """One that was captured, mostly of late."""
    sold = [purchase for purchase in world.shop.purchases if purchase.captured_minor]
    return world.dice.choice(sold[-8:] if world.dice.random() < 0.7 else sold) if sold else None
