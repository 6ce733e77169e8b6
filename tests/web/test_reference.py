"""The reference of the API: complete, open to everybody, and alone on its page."""

import re

from tests.web.conftest import Caller
from tests.web.test_door import ROUTES


def test_the_document_lists_exactly_the_routes(stranger: Caller):
    told = stranger.get("/api/openapi.json").json()

    listed = {
        (method.upper(), path) for path, methods in told["paths"].items() for method in methods
    }
    assert listed == {(method, re.sub(r"/x\b", "/{id}", path)) for method, path in ROUTES}


def test_every_route_tells_its_tokens_and_its_refusals(stranger: Caller):
    told = stranger.get("/api/openapi.json").json()

    assert {scheme["type"] for scheme in told["components"]["securitySchemes"].values()} == {
        "http",
        "apiKey",
    }
    for methods in told["paths"].values():
        for operation in methods.values():
            assert len(operation["security"]) == 2
            for status in ("401", "422", "503"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"]


def test_every_reference_in_the_document_leads_somewhere(stranger: Caller):
    answer = stranger.get("/api/openapi.json")
    known = answer.json()["components"]["schemas"]

    named = set(re.findall(r"#/components/schemas/(\w+)", answer.text))

    assert named <= set(known)
    assert "HTTPValidationError" not in known


def test_money_is_text_in_the_document(stranger: Caller):
    schemas = stranger.get("/api/openapi.json").json()["components"]["schemas"]

    for name in ("total", "paid", "balance"):
        assert schemas["InvoiceOut"]["properties"][name]["type"] == "string"


def test_the_page_shows_every_route_and_loads_nothing(stranger: Caller):
    page = stranger.get("/api/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|src=|https?://|url\(|@import", page.text)
    for _, path in ROUTES:
        assert re.sub(r"/x\b", "/{id}", path) in page.text


def test_every_link_on_the_page_leads_somewhere(stranger: Caller):
    page = stranger.get("/api/docs").text

    anchors = set(re.findall(r'href="#(\w+)"', page))

    assert anchors
    assert anchors <= set(re.findall(r'id="(\w+)"', page))
