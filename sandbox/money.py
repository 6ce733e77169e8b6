"""Amounts as each gateway writes them, and as the ledgers have them: decimal text."""

from decimal import ROUND_HALF_UP, Decimal

# docs.stripe.com/currencies: amounts without decimals, and with three.
_STRIPE_WHOLE = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_STRIPE_THREE = frozenset("BHD JOD KWD OMR TND".split())
_STRIPE_OTHERS = frozenset(
    "AED ALL AUD BGN BRL CAD CHF CNY CZK DKK EGP EUR GBP GEL HKD HRK HUF IDR ILS INR ISK MAD MDL"
    " MKD MXN MYR NOK NZD PHP PLN RON RSD SAR SEK SGD THB TRY TWD UAH UGX USD ZAR".split()
)
STRIPE_CURRENCIES = _STRIPE_WHOLE | _STRIPE_THREE | _STRIPE_OTHERS

PAYPAL_CURRENCIES = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP RUB SGD SEK CHF"
    " THB USD".split()
)
_PAYPAL_WHOLE = frozenset("HUF JPY TWD".split())


def stripe_decimal(currency: str, minor: int) -> Decimal:
    """What an amount of Stripe's smallest units is in whole ones; the code in any case."""
    return Decimal(minor).scaleb(-_stripe_digits(currency.upper()))


def stripe_minor(currency: str, amount: Decimal) -> int | None:
    """An amount in Stripe's smallest units; None when it has more digits than the currency."""
    scaled = amount.scaleb(_stripe_digits(currency.upper()))
    return int(scaled) if scaled == scaled.to_integral_value() else None


def paypal_digits(currency: str) -> int:
    """How many decimals PayPal writes."""
    return 0 if currency in _PAYPAL_WHOLE else 2


def paypal_text(currency: str, amount: Decimal) -> str:
    """The amount as PayPal writes it; what is finer is rounded, half up."""
    return str(amount.quantize(Decimal(1).scaleb(-paypal_digits(currency)), ROUND_HALF_UP))


def share(minor: int, thousandths: int) -> int:
    """A fee of so many thousandths, rounded half up."""
    return (minor * thousandths + 500) // 1000


def _stripe_digits(currency: str) -> int:
    if currency in _STRIPE_WHOLE:
        return 0
    return 3 if currency in _STRIPE_THREE else 2
