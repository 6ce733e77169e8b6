"""Plain pages: no script, nothing from elsewhere, good on a phone."""

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse, RedirectResponse

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f6;color:#1c1c22}
main{max-width:34rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.75rem}
main.wide{max-width:60rem}
h1{font-size:1.3rem;margin:0 0 .5rem}
.amount{font-size:2rem;font-weight:600;margin:.5rem 0}
.note{color:#666;font-size:.9rem}
.bad{color:#a4161a}
form{display:inline-block;margin:.2rem .2rem .2rem 0}
button{font:inherit;padding:.6rem 1rem;border:1px solid #888;border-radius:.5rem;background:#fff}
button.main{background:#3240a8;border-color:#3240a8;color:#fff}
input{font:inherit;width:7rem;padding:.5rem;border:1px solid #888;border-radius:.5rem}
article{border-top:1px solid #ddd;padding:.75rem 0}
code{overflow-wrap:anywhere}
"""


def shown(title: str, body: str, *, status: int = 200, is_wide: bool = False) -> HTMLResponse:
    """A whole page; the body is HTML that is safe already."""
    kind = ' class="wide"' if is_wide else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main{kind}><h1>{escape(title)}</h1>{body}"
        f'<p class="note">Sandbox: no money moves here.</p></main></body></html>',
        status,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def seen_other(address: str) -> RedirectResponse:
    """Where the browser goes after a button was pressed."""
    return RedirectResponse(address, status_code=303)


def button(address: str, label: str, name: str, *, is_main: bool = False) -> str:
    """A button that posts; tests find it as `[data-test=name]`."""
    kind = ' class="main"' if is_main else ""
    return (
        f'<form method="post" action="{escape(address)}">'
        f'<button data-test="{escape(name)}"{kind}>{escape(label)}</button></form>'
    )


def amount_button(address: str, label: str, name: str, most: str) -> str:
    """A button with an amount beside it, the whole rest unless one types another."""
    return (
        f'<form method="post" action="{escape(address)}">'
        f'<input name="amount" value="{escape(most)}" inputmode="decimal"'
        f' aria-label="{escape(label)}: amount" data-test="{escape(name)}-amount">'
        f'<button data-test="{escape(name)}">{escape(label)}</button></form>'
    )


def fact(name: str, value: object) -> str:
    """A line that says one thing; tests find it as `[data-test=name]`."""
    return (
        f'<p class="note">{escape(name)}: '
        f'<code data-test="{escape(name.replace(" ", "-"))}">{escape(str(value))}</code></p>'
    )


def amount(value: str, currency: str) -> str:
    """The amount, large."""
    return f'<p class="amount" data-test="amount">{escape(value)} {escape(currency)}</p>'


def joined(parts: Iterable[str]) -> str:
    """Pieces of a page, one after another."""
    return "".join(parts)
