"""Reads the compose file as the engine would, and command lines as their programs would."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import yaml
from celery.app.utils import find_app
from celery.bin.base import CLIContext
from celery.bin.celery import celery
from celery.worker.control import Panel
from flower.urls import handlers as flower_handlers
from tornado.options import options as tornado_options
from tornado.routing import URLSpec
from typer.main import get_command

from cli.main import app as incasso

ROOT = Path(__file__).parent.parent
STORES = {"postgres", "redis"}

WISH = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")
EXAMPLE = re.compile(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def compose() -> dict[str, Any]:
    """The file as the engine sees it: wishes fulfilled by their default, or by a made-up value."""
    text = (ROOT / "docker-compose.yml").read_text()
    return cast("dict[str, Any]", yaml.safe_load(WISH.sub(_fulfil, text)))


def services() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", compose()["services"])


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if name not in STORES}


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def example() -> Mapping[str, str]:
    return dict(EXAMPLE.findall((ROOT / ".env.example").read_text()))


def after(option: str, command: list[str]) -> str:
    return command[command.index(option) + 1]


def parse(command: list[str]) -> Mapping[str, Any]:
    """The options as the program reads them; runs nothing, raises what the program would."""
    match command:
        case ["incasso", *rest]:
            group, context = _entered(get_command(incasso))
        case ["celery", "-A", app, *rest]:
            group, context = _entered(celery)
            context.obj = CLIContext(app=find_app(app), no_color=True, workdir=None)
        case _:
            raise ValueError(f"unknown program: {command}")
    name, subcommand, arguments = group.resolve_command(context, rest)
    parsed = subcommand.make_context(name, arguments, parent=context)
    if name == "inspect" and parsed.params["command"] not in Panel.meta:
        raise ValueError(f"unknown inspection: {command}")
    for option in parsed.params.get("tornado_argv", ()):  # what Flower hands on to tornado
        if option.removeprefix("--").partition("=")[0] not in tornado_options:
            raise ValueError(f"unknown option: {option}")
    return cast("Mapping[str, Any]", parsed.params)


def listening(service: Mapping[str, Any]) -> str:
    """The port that a service of ours listens on."""
    ports = [part[7:] for part in service["command"] if part.startswith("--port=")]
    return str(ports[0] if ports else service["environment"]["PORT"])


def asked_path(service: Mapping[str, Any]) -> str:
    found = re.search(r'"http://[^/"]+(/[^"]*)"', service["healthcheck"]["test"][-1])
    assert found is not None
    return found[1]


def flower_paths() -> list[str]:
    """The patterns of every address that Flower knows, without the one that catches the rest."""
    patterns = (
        handler.regex.pattern if isinstance(handler, URLSpec) else handler[0]
        for handler in flower_handlers
    )
    return [pattern for pattern in patterns if not re.fullmatch(pattern, "/no/such/page")]


def before(name: str) -> set[str]:
    """Everything that a service waits for, directly or not."""
    direct = set(services()[name].get("depends_on", ()))
    return direct.union(*(before(other) for other in direct))


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that answers everything so, at `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _fulfil(wish: re.Match[str]) -> str:
    return wish[3] if wish[2] == "-" else "secret7"


def _entered(group: Any) -> tuple[Any, Any]:
    """The group and its context, before one of its commands is looked for."""
    return group, group.context_class(group)
