"""The kinds of values the API takes: each is checked once, here, and believed from then on."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain import ids
from domain.ids import Kind
from domain.money import EXPONENTS
from web.api.codes import COUNTRIES, LANGUAGES

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,63}", re.ASCII | re.I
)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
# Control characters, lone surrogates, line and paragraph separators: nothing a form would send, and
# what ends lines in mails, logs and exports, or what the database cannot hold.
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_YEARS = range(1990, 2101)


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = date.min
        if day.year in _YEARS:
            return day
    raise PydanticCustomError("malformed_date", "a day from 1990 to 2100, like 2026-11-20")


def _exact(value: Any) -> Decimal:
    """A decimal, given as text or as a JSON number; neither ever passes through a float."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = format(Decimal(value), "f")
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise PydanticCustomError(
        "malformed_amount", "a plain decimal like 1190.00: at most 15 digits and 6 decimals"
    )


def _line(text: str) -> str:
    """Without the spaces around it. A line end is refused even there: it was meant for a header."""
    if any(unicodedata.category(sign) in _UNPRINTABLE for sign in text):
        raise PydanticCustomError("malformed_text", "one line, without control characters")
    line = text.strip()
    if not line:
        raise PydanticCustomError("malformed_text", "not empty")
    return line


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise PydanticCustomError("malformed_email", "an address like ana@example.ro")
    return text


def _iban(text: str) -> str:
    """Without spaces, in capitals; the check digits of ISO 13616 hold."""
    compact = text.replace(" ", "").upper()
    if _IBAN.fullmatch(compact):
        turned = compact[4:] + compact[:4]
        if int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1:
            return compact
    raise PydanticCustomError("malformed_iban", "an IBAN whose check digits hold")


def _one_of(choices: Callable[[], frozenset[str]], says: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices():
            raise PydanticCustomError("unknown_code", "no {says}", {"says": says})
        return text

    return check


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _row(kind: Kind) -> BeforeValidator:
    name = kind.name.lower()

    def read(value: Any) -> int:
        number = ids.number(kind, value) if isinstance(value, str) else None
        if number is None:
            raise PydanticCustomError(f"unknown_{name}", "there is no such {name}", {"name": name})
        return number

    return BeforeValidator(read)


def _text(most: int) -> StringConstraints:
    return StringConstraints(max_length=most, strict=True)


_UUID = WithJsonSchema({"type": "string", "format": "uuid"})

Exact = Annotated[
    Decimal,
    BeforeValidator(_exact),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": f"^{_DECIMAL.pattern}$"}, {"type": "number"}],
            "examples": ["1190.00"],
        }
    ),
]
Amount = Annotated[Exact, Field(gt=0, description="Above zero.")]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Code = Annotated[str, _text(100), AfterValidator(_line)]
Line = Annotated[str, _text(300), AfterValidator(_line)]
LongLine = Annotated[str, _text(1000), AfterValidator(_line)]
Email = Annotated[str, _text(254), AfterValidator(_line), AfterValidator(_email)]
Iban = Annotated[str, _text(60), AfterValidator(_iban)]
Currency = Annotated[
    str, _text(3), AfterValidator(_one_of(lambda: frozenset(EXPONENTS), "ISO 4217 currency"))
]
Country = Annotated[str, _text(2), AfterValidator(_one_of(lambda: COUNTRIES, "ISO 3166 country"))]
Language = Annotated[
    str, _text(2), AfterValidator(_one_of(lambda: LANGUAGES, "ISO 639-1 language"))
]
Timezone = Annotated[str, _text(60), AfterValidator(_one_of(_zones, "IANA time zone"))]
Days = Annotated[int, Field(ge=0, le=365, strict=True)]
Flag = Annotated[bool, Field(strict=True)]

# Row numbers inside, UUIDs outside.
ClientId = Annotated[int, _row(Kind.CLIENT), _UUID]
InvoiceId = Annotated[int, _row(Kind.INVOICE), _UUID]
PaymentId = Annotated[int, _row(Kind.PAYMENT), _UUID]
RefundId = Annotated[int, _row(Kind.REFUND), _UUID]
