"""`incasso serve`: the HTTP side, whole or the intake of webhooks alone."""

import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Literal, assert_never

import typer

from cli.ports import LOOPBACK

if TYPE_CHECKING:
    import uvicorn

    from webhooks.app import Webhooks
    from webhooks.requests import Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

Part = Literal["all", "webhooks"]

_GRACE_SECONDS = 10

# Bodies that are still being read are bounded one by one, but not in number; the intake itself
# turns away what is more than it can hold long before.
_MOST_REQUESTS = 4_000


def serve(
    part: Annotated[Part, typer.Argument(help="Everything, or the intake alone.")] = "all",
    fd: Annotated[int | None, typer.Option(help="A listening socket to take over.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int | None, typer.Option(help="The port; PORT when not given.")] = None,
) -> None:
    """Serve HTTP until told to stop."""
    from runtime.settings import settings

    if fd is not None:
        serve_on(socket.socket(fileno=fd), part)
        return
    with socket.create_server((host, settings().port if port is None else port)) as listening:
        serve_on(listening, part)


def serve_on(listening: socket.socket, part: Part) -> None:
    """Serves on a listening socket until told to stop."""
    import uvicorn

    from runtime import logs, memory

    logs.set_up()
    server = uvicorn.Server(terms(build(part)))
    memory.settle_down()
    server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(1)


def terms(application: "Application") -> "uvicorn.Config":
    """On what terms an application is served, whatever it is."""
    import uvicorn

    from cli.wire import Wire

    return uvicorn.Config(
        application,
        loop="uvloop",
        http=Wire,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        limit_concurrency=_MOST_REQUESTS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def build(part: Part) -> "Application":
    """The ASGI application of one part; Refused when its settings do not fit the database."""
    from webhooks import app as webhooks

    door = webhooks.build()
    match part:
        case "webhooks":
            return door
        case "all":
            from web import app as web

            return _under_one_roof(door, web.build())
        case _:
            assert_never(part)


def _under_one_roof(door: "Webhooks", rooms: "Application") -> "Application":
    """Machines' addresses lead straight to their door; all others to the rooms for people.

    The door alone has something to start and to stop.
    """

    async def roof(scope: "Scope", receive: "Receive", send: "Send") -> None:
        is_for_door = scope["type"] == "lifespan" or door.owns(scope["path"])
        await (door if is_for_door else rooms)(scope, receive, send)

    return roof
