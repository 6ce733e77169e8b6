"""The form that leads on to MobilPay, in a real browser: it goes by itself, or by its button."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import etree
from playwright.sync_api import Browser

from ledger.store import Store
from tests import mobilpay_seal as seal
from tests.web import paying

Posted = list[tuple[str, dict[str, str]]]


@contextmanager
def _mobilpays_page() -> Iterator[tuple[str, Posted]]:
    """An address that takes forms, and what was posted to it."""
    posted: Posted = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            posted.append((self.path, dict(parse_qsl(body))))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>the card page</p>")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/card", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_the_form_reaches_mobilpays_page(has_scripts: bool, fresh_dsn: str, browser: Browser):
    store = Store(fresh_dsn)
    with (
        _mobilpays_page() as (url, posted),
        paying.opened(store, "", seal.a_mobilpay(page_url=url)) as site,
        browser.new_context(java_script_enabled=has_scripts) as context,
    ):
        path = site.link(site.desk.invoice(site.desk.open()))
        order_page = urlsplit(site.pressed(path, gateway="mobilpay"))
        page = context.new_page()

        page.goto(str(site.browser.base_url.join(order_page.path)))
        if not has_scripts:
            page.get_by_role("button").click()
        page.wait_for_url(url)

        ((at, fields),) = posted
        order = etree.fromstring(seal.opened(fields))
        assert at == "/card"
        assert order.get("id") == "INV-0001-1"
        assert "the card page" in page.content()
    store.close()
