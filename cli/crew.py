"""The children of one run, under their names."""

import asyncio
from collections.abc import Callable, Mapping

from cli.child import Child, Program
from cli.stream import Stream


class Crew:
    """Starts children, keeps them alive and ends them; tells `changed` when a process changes."""

    def __init__(self, stream: Stream, changed: Callable[[], None]) -> None:
        self._stream = stream
        self._changed = changed
        self._children: dict[str, Child] = {}

    async def start(self, *started: Program) -> None:
        """Starts programs side by side and keeps them alive from now on."""
        await asyncio.gather(*(self._child(program).start() for program in started))

    async def run(self, program: Program) -> int:
        """Runs a program once, to its end; answers its exit code."""
        return await self._child(program).run()

    async def stop(self, *names: str) -> None:
        """Ends children side by side, in good order; those that never ran are passed over."""
        ending = (self._children[name] for name in names if name in self._children)
        await asyncio.gather(*(child.stop() for child in ending))

    def kill(self) -> None:
        """Ends everything at once."""
        for child in self._children.values():
            child.give_up()

    @property
    def pids(self) -> Mapping[str, int | None]:
        """The process of each child; None while it has none."""
        return {name: child.pid for name, child in self._children.items()}

    def _child(self, program: Program) -> Child:
        child = Child(program, self._stream, self._changed)
        self._children[program.name] = child
        return child
