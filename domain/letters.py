"""Letters to clients, in their language: what a reminder says at each step."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.money import Money, decimal_text

Language = Literal["ro", "en"]


@dataclass(frozen=True, slots=True)
class Overdue:
    """What a reminder tells: the invoice, what is owed now, and where to pay it."""

    number: str
    issue_on: date
    due_on: date
    total: Money
    open: Money
    seller: str
    ibans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter without its addresses."""

    subject: str
    text: str


_SUBJECTS = {
    ("ro", 7): "Reamintire: factura {number}, scadentă la {due}",
    ("ro", 14): "A doua reamintire: {open} restanți la factura {number}",
    ("ro", 30): "Ultima reamintire: {open} restanți la factura {number}",
    ("en", 7): "Reminder: invoice {number} was due on {due}",
    ("en", 14): "Second reminder: {open} overdue on invoice {number}",
    ("en", 30): "Final reminder: {open} overdue on invoice {number}",
}
_TEXTS = {
    "ro": """Bună ziua,

Factura {number} din {issued}, în valoare de {total}, a fost scadentă la {due}.
Conform evidențelor noastre mai sunt de plată {open}.

{pay_at}Puteți plăti în contul {ibans}, cu mențiunea {number}.
Dacă ați plătit deja, vă rugăm să nu țineți cont de acest mesaj. Pentru întrebări, răspundeți la el.

{seller}
""",
    "en": """Hello,

Invoice {number} of {issued} over {total} was due on {due}.
According to our books {open} is still to be paid.

{pay_at}Please pay to {ibans}, quoting {number}.
If you have paid already, please ignore this message. For questions, just reply to it.

{seller}
""",
}


def language(code: str) -> Language:
    """The language in which we write to whoever speaks this one (ISO 639-1)."""
    return "ro" if code == "ro" else "en"


_PAY_AT = {
    "ro": "Plătiți online aici: {address}\n\n",
    "en": "Pay online here: {address}\n\n",
}


def reminder(
    overdue: Overdue, step_days: int, language: Language, pay_at: str | None = None
) -> Letter:
    """The reminder of a step; amounts are what is owed at this moment, not what was invoiced.

    `pay_at` is the address of the invoice's hosted link; None where it has none.
    """
    values = {
        "number": overdue.number,
        "issued": _day(overdue.issue_on, language),
        "due": _day(overdue.due_on, language),
        "total": _amount(overdue.total, language),
        "open": _amount(overdue.open, language),
        "seller": overdue.seller,
        "pay_at": _PAY_AT[language].format(address=pay_at) if pay_at else "",
        "ibans": " / ".join(overdue.ibans) or "—",
    }
    return Letter(
        subject=_SUBJECTS[language, step_days].format(**values),
        text=_TEXTS[language].format(**values),
    )


def _day(day: date, language: Language) -> str:
    return f"{day:%d.%m.%Y}" if language == "ro" else f"{day.day} {day:%B %Y}"


def _amount(money: Money, language: Language) -> str:
    text = decimal_text(money)
    return f"{text.replace('.', ',') if language == 'ro' else text} {money.currency}"
