"""Hosted links over HTTP: one per invoice, and one per client for all he owes."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ledger.links import granting
from ledger.links.granting import Granted, Target, Terms
from ledger.store import Books
from web.api.door import SCHEMES, Asked, Asking, AtDesk, Desk, Route
from web.api.fields import ClientId, Flag, InvoiceId
from web.problems import documented

router = APIRouter(
    prefix="/api",
    tags=["Payment links"],
    route_class=Route,
    dependencies=SCHEMES,
    responses=documented(401, 404, 409, 422, 503),
)

Aim = Callable[[Books], Target]


class PaymentLinkIn(BaseModel):
    """What the link allows. What is left out stays as it is; at first: whole amounts, no end."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    expires_at: Annotated[
        AwareDatetime | None, Field(description="An instant with its zone, in the future.")
    ] = None
    takes_parts: Annotated[
        Flag | None, Field(description="Whether less than what is owed may be paid.")
    ] = None


class PaymentLinkOut(BaseModel):
    """A link that a customer pays by. The same address each time, until it is revoked."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    url: str
    expires_at: datetime | None
    takes_parts: bool


class RevokedOut(BaseModel):
    """Whether there was a link to revoke."""

    revoked: bool


@router.post("/invoices/{id}/payment_link")
def link_to_invoice(
    desk: AtDesk,
    asked: Asked,
    id: InvoiceId,  # noqa: A002 - its name in the address
    given: PaymentLinkIn | None = None,
) -> PaymentLinkOut:
    """The link to pay one issued invoice by; asked again it is the same one."""
    return _granted(desk, asked, lambda books: granting.of_invoice(books, id), given)


@router.post("/clients/{id}/payment_link")
def link_to_client(
    desk: AtDesk,
    asked: Asked,
    id: ClientId,  # noqa: A002 - its name in the address
    given: PaymentLinkIn | None = None,
) -> PaymentLinkOut:
    """The link to pay by whatever a client owes: all of it, or the invoices he chooses."""
    return _granted(desk, asked, lambda books: granting.of_client(books, id), given)


@router.post("/invoices/{id}/payment_link/revoke")
def revoke_link_to_invoice(desk: AtDesk, asked: Asked, id: InvoiceId) -> RevokedOut:  # noqa: A002
    """Take a link back: its address opens nothing any more; the next one has another address."""
    return _revoked(desk, asked, lambda books: granting.of_any_invoice(books, id))


@router.post("/clients/{id}/payment_link/revoke")
def revoke_link_to_client(desk: AtDesk, asked: Asked, id: ClientId) -> RevokedOut:  # noqa: A002
    """Take a client's link back."""
    return _revoked(desk, asked, lambda books: granting.of_client(books, id))


def _granted(desk: Desk, asked: Asking, aim: Aim, given: PaymentLinkIn | None) -> PaymentLinkOut:
    terms = Terms(given.takes_parts, given.expires_at) if given else Terms()

    def work(books: Books) -> Granted:
        asked.is_first(books)  # done twice it is the same; only the key is held to its request
        target = aim(books)
        return granting.grant(books, target, terms, desk.links.secret, asked.caller, desk.now())

    granted = desk.store.act(work)
    return PaymentLinkOut(
        url=desk.links.address(granted.token),
        expires_at=granted.link.expires_at,
        takes_parts=granted.link.takes_parts,
    )


def _revoked(desk: Desk, asked: Asking, aim: Aim) -> RevokedOut:
    def work(books: Books) -> bool:
        target = aim(books)
        return asked.is_first(books) and granting.revoke(books, target, asked.caller, desk.now())

    return RevokedOut(revoked=desk.store.act(work))
