"""Patches: each takes one barrier away, and names the tests that must fail then.

A patch is a unified diff under some lines of its own. Where its text stands in the file does not
matter, so edits elsewhere leave it alone; its text must stand there exactly once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "patches"

_CAUGHT_BY = "# caught by: "
_UNSEEN = "# cannot be observed: "
_RENEW = (
    "where a constraint, a trigger or a lock has moved, `.venv/bin/python -m tests.mutation renew`"
    " writes it anew; else edit its lines to what the file says now"
)


class Stale(Exception):  # noqa: N818 - a finding, told as such
    """A patch that no longer applies; says which, and how it is renewed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Text of one file and what it becomes; empty `new` takes it away."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One barrier away. `unseen` says why no test can notice, and is None where tests do."""

    name: str
    edits: tuple[Edit, ...]
    caught_by: tuple[str, ...]
    unseen: str | None

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.patch"

    def apply(self, root: Path) -> dict[Path, str]:
        """What every file it touches becomes; nothing is written. Raises Stale."""
        changed: dict[Path, str] = {}
        for edit in self.edits:
            path = root / edit.path
            text = changed.get(path) or (path.read_text() if path.exists() else "")
            times = text.count(edit.old)
            if times != 1:
                raise Stale(
                    f"{self.file.name} does not apply: what it takes away stands {times} times in"
                    f" {edit.path}; {_RENEW}"
                )
            changed[path] = text.replace(edit.old, edit.new)
        return changed

    @contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """The tree without the barrier; as it was afterwards."""
        changed = self.apply(root)
        before = {path: path.read_text() for path in changed}
        _write(changed)
        try:
            yield
        finally:
            _write(before)


def all_patches() -> dict[str, Patch]:
    """Every patch there is, by the name of its barrier."""
    return {
        path.stem: parse(path.stem, path.read_text()) for path in sorted(FOLDER.glob("*.patch"))
    }


def parse(name: str, text: str) -> Patch:
    """The patch of this text; a line of another form is refused with ValueError."""
    lines = text.splitlines(keepends=True)
    head = [line.strip() for line in lines if line.startswith("# ")]
    tests = tuple(line.removeprefix(_CAUGHT_BY) for line in head if line.startswith(_CAUGHT_BY))
    reasons = [line.removeprefix(_UNSEEN) for line in head if line.startswith(_UNSEEN)]
    edits = _edits(name, [line for line in lines if not line.startswith("# ")])
    if not edits or bool(tests) == bool(reasons):
        raise ValueError(f"{name}.patch names no test that catches it, or takes nothing away")
    return Patch(name, edits, tests, reasons[0] if reasons else None)


def written(root: Path, after: Mapping[Path, str], header: str) -> str:
    """The text of a patch that makes these files what they are to become."""
    hunks = []
    for path, text in after.items():
        before, place = path.read_text(), path.relative_to(root)
        for context in (0, 1, 2, 3, 5, 8):
            hunk = "".join(_diff(before, text, str(place), context))
            edits = parse("new", f"{_CAUGHT_BY}it\n{hunk}").edits
            if all(before.count(edit.old) == 1 for edit in edits):
                break
        hunks.append(hunk)
    return header + "".join(hunks)


def _diff(before: str, after: str, place: str, context: int) -> Iterator[str]:
    lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    return unified_diff(*lines, f"a/{place}", f"b/{place}", n=context)


def _edits(name: str, lines: Sequence[str]) -> tuple[Edit, ...]:
    edits: list[Edit] = []
    path = ""
    for line in lines:
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/").strip()
        elif line.startswith("@@"):
            edits.append(Edit(path, "", ""))
        elif edits and line[0] in " +-" and not line.startswith("--- a/"):
            edits[-1] = _grown(edits[-1], line)
        elif not line.startswith("--- a/"):
            raise ValueError(f"{name}.patch: a line that is no part of a patch: {line!r}")
    return tuple(edits)


def _grown(edit: Edit, line: str) -> Edit:
    sign, rest = line[0], line[1:]
    return Edit(
        edit.path,
        edit.old + (rest if sign in " -" else ""),
        edit.new + (rest if sign in " +" else ""),
    )


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.write_text(text)
