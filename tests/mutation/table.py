"""The table of `docs/reliability.md`: every barrier, what it guards, and what catches its loss."""

from collections.abc import Mapping
from pathlib import Path

from tests.mutation.patching import Patch

_BEGIN, _END = "<!-- barriers: made by `renew` -->\n", "<!-- barriers end -->"


def page(root: Path) -> Path:
    return root / "docs/reliability.md"


def is_in_step(root: Path, barriers: Mapping[str, str], patches: Mapping[str, Patch]) -> bool:
    """Whether the page says what is so."""
    return _with_table(page(root).read_text(), barriers, patches) == page(root).read_text()


def write(root: Path, barriers: Mapping[str, str], patches: Mapping[str, Patch]) -> None:
    """Brings the page in step."""
    page(root).write_text(_with_table(page(root).read_text(), barriers, patches))


def _with_table(text: str, barriers: Mapping[str, str], patches: Mapping[str, Patch]) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    assert begin, f"{_BEGIN!r} is missing"
    assert end, f"{_END!r} is missing"
    return before + begin + "\n".join(_lines(barriers, patches)) + "\n" + end + after


def _lines(barriers: Mapping[str, str], patches: Mapping[str, Patch]) -> list[str]:
    rows = [
        f"| `{name}` | {_cell(demand)} | {_catches(patches.get(name))} |"
        for name, demand in sorted(barriers.items())
    ]
    return ["| barrier | what it guards | caught by |", "|---|---|---|", *rows]


def _cell(demand: str) -> str:
    short = demand if len(demand) <= 120 else f"{demand[:117]}…"
    return short.replace("|", "\\|")


def _catches(patch: Patch | None) -> str:
    if patch is None:
        return "**nothing**"
    if patch.unseen is not None:
        return f"cannot be observed: {patch.unseen}"
    return ", ".join(f"`{_short(test)}`" for test in patch.caught_by)


def _short(test: str) -> str:
    path, _, name = test.partition("::")
    return f"{path.removeprefix('tests/')}: {name.partition('[')[0]}"
