"""Money in whole minor units of one currency; no float, no rounding that is not named."""

import re
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import Refused

# ISO 4217 list one: active currencies with their exponents.
_TWO_DIGITS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG
HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED
VES WST XCD XCG YER ZAR ZMW ZWG
""".split()
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND".split()
EXPONENTS = (
    dict.fromkeys(_TWO_DIGITS, 2) | dict.fromkeys(_NO_DIGITS, 0) | dict.fromkeys(_THREE_DIGITS, 3)
)

MOST_MINOR = 10**13  # a single amount above this is a mistake, and sums stay far inside a bigint

_PLAIN_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` whole units of 10^-exponent of `currency`; it may be zero or negative."""

    currency: str
    minor: int

    def __add__(self, other: "Money") -> "Money":
        self._match(other)
        return Money(self.currency, self.minor + other.minor)

    def __sub__(self, other: "Money") -> "Money":
        self._match(other)
        return Money(self.currency, self.minor - other.minor)

    def __str__(self) -> str:
        return f"{decimal_text(self)} {self.currency}"

    def _match(self, other: "Money") -> None:
        assert self.currency == other.currency, f"{self} and {other} do not mix"


def exponent(currency: str) -> int:
    """How many decimal digits the currency has; an unknown one is refused."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise Refused("unknown_currency", f"{currency!r} is no ISO 4217 currency code") from None


def parse(text: str, currency: str) -> Money:
    """Reads `1190` or `1190.00` exactly; no sign, exponent, space, separator or extra digit."""
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise Refused("malformed_amount", f"{text[:40]!r} is no plain decimal amount like 1190.00")
    return exact(Decimal(text), currency)


def exact(value: Decimal, currency: str) -> Money:
    """The money of a decimal amount; digits beyond the currency's own are refused, not rounded."""
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise Refused("malformed_amount", f"{value} has more digits than {currency} has")
    return within_bounds(Money(currency, int(minor)))


def within_bounds(money: Money) -> Money:
    """The same money, or a refusal of amounts that only a mistake can produce."""
    if not 0 <= money.minor <= MOST_MINOR:
        raise Refused(
            "amount_out_of_range", f"{money} is not between 0 and {MOST_MINOR} minor units"
        )
    return money


def decimal_text(money: Money) -> str:
    """The amount as JSON and people read it: `1190.00`, `500` for a currency without digits."""
    digits = exponent(money.currency)
    return f"{Decimal(money.minor).scaleb(-digits):.{digits}f}"
