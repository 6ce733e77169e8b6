"""`incasso setup`: who sells."""

from typing import Annotated

import typer
from pydantic import BaseModel, StringConstraints, ValidationError

from cli import opening
from domain.errors import Refused
from ledger.books import seller
from ledger.books.seller import Seller
from web.api.fields import Code, Country, Iban, Language, Line


class SellerIn(BaseModel):
    """The seller as entered."""

    name: Line
    tax_id: Code
    street: Line
    city: Line
    country: Country
    ibans: list[Iban]
    language: Language
    series: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9]{1,20}$")]


def setup(  # noqa: PLR0913 - one option per fact about the seller
    *,
    name: Annotated[str, typer.Option(help="The company's name.")],
    tax_id: Annotated[str, typer.Option(help="CUI or VAT number, like RO12345678.")],
    street: Annotated[str, typer.Option(help="Street and number.")],
    city: Annotated[str, typer.Option(help="City.")],
    country: Annotated[str, typer.Option(help="Two letters.")] = "RO",
    iban: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    language: Annotated[str, typer.Option(help="Two letters.")] = "ro",
    series: Annotated[str, typer.Option(help="What invoice numbers begin with.")] = "INV",
) -> None:
    """Store the seller who is printed on every invoice, or correct it."""
    told = {"name": name, "tax_id": tax_id, "street": street, "city": city, "country": country}
    told |= {"language": language, "series": series}
    try:
        given = SellerIn.model_validate({**told, "ibans": iban or []})
    except ValidationError as error:
        raise Refused("malformed_seller", _first(error)) from error
    with opening.store().transaction() as books:
        seller.put(books, Seller(**given.model_dump()))
    typer.echo(f"{given.name} sells; its invoices are numbered {given.series}-….")


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    option = str(first["loc"][0]).replace("_", "-").replace("ibans", "iban")
    return f"--{option}: {first['msg']}"
