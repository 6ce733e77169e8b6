"""Patches that follow from the code: a constraint, an index, a trigger, a NOT NULL, a lock.

A constraint becomes one that lets everything through and keeps its name, where the last migration
that defines it does. Foreign keys that lean on a primary key go with it.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.mutation import locks, patching

MIGRATIONS = "ledger/migrations/versions"

_PROOF = "tests/ledger/test_constraints.py::test_"
_PROOFS = {
    "constraint": "the_constraint_refuses",
    "index": "the_constraint_refuses",
    "trigger": "the_trigger_refuses",
    "not_null": "a_column_of_a_unique_key_is_never_null",
}
_ADVISORY = "advisory"


def renew(root: Path, guards: Iterable[str]) -> list[str]:
    """Writes every patch that follows from the code; answers those that it wrote anew.

    What a patch says of its tests stays. A lock without a patch gets one that names no test yet,
    which is refused until somebody has named one.
    """
    kept = {path.stem: path.read_text() for path in patching.FOLDER.glob("*.patch")}
    made = {name: _without_guard(root, *name.split(".", 1)) for name in guards}
    made |= {f"lock.{lock.name}": _without_lock(root, lock) for lock in locks.locks(root)}
    changed = [name for name, after in made.items() if not _makes(root, name, after, kept)]
    for name in changed:
        text = patching.written(root, made[name], _header(name, kept.get(name)))
        (patching.FOLDER / f"{name}.patch").write_text(text)
    return changed


def _makes(root: Path, name: str, after: dict[Path, str], kept: dict[str, str]) -> bool:
    """Whether the patch that is there does it already, wherever its lines stand by now."""
    try:
        return name in kept and patching.parse(name, kept[name]).apply(root) == after
    except (patching.Stale, ValueError):
        return False


def _header(name: str, kept: str | None) -> str:
    if kept is not None:
        return "".join(line for line in kept.splitlines(keepends=True) if line.startswith("# "))
    kind, _, guard = name.partition(".")
    return f"# caught by: {_PROOF}{_PROOFS[kind]}[{guard}]\n" if kind in _PROOFS else ""


def _without_lock(root: Path, lock: locks.Lock) -> dict[Path, str]:
    path = root / lock.path
    text = path.read_text()
    end = lock.start + len(lock.clause)
    instead = "abs(" if _ADVISORY in lock.clause else ""
    return {path: text[: lock.start] + instead + text[end:]}


def _without_guard(root: Path, kind: str, name: str) -> dict[Path, str]:
    files = {path: path.read_text() for path in sorted((root / MIGRATIONS).glob("*.sql"))}
    match kind:
        case "constraint":
            after = _without_constraint(files, name)
        case "index":
            after = _replaced(files, rf"CREATE UNIQUE INDEX {name}\b", f"CREATE INDEX {name}")
        case "trigger":
            after = _replaced(files, rf"CREATE TRIGGER {name}\b[^;]*;\n", "")
        case _:
            table, column = name.split(".")
            nullable = rf"(CREATE TABLE {table} \([^;]*?\n    {column} +[a-z]+) NOT NULL"
            after = _replaced(files, nullable, r"\1")
    return {path: text for path, text in after.items() if text != files[path]}


def _replaced(files: dict[Path, str], pattern: str, new: str) -> dict[Path, str]:
    after = {path: re.sub(pattern, new, text) for path, text in files.items()}
    assert after != files, f"no migration has {pattern!r}"
    return after


def _without_constraint(files: dict[Path, str], name: str) -> dict[Path, str]:
    path, start = [
        (path, found.end())
        for path, text in files.items()
        for found in re.finditer(rf"(?<!DROP )CONSTRAINT {name}\s+", text)
    ][-1]
    text = files[path]
    end = _end(text, start)
    after = {**files, path: f"{text[:start]}CHECK (true){text[end:]}"}
    if text[start:end] != "PRIMARY KEY (id)":
        return after
    table = name.removesuffix("_pkey")
    leaning = rf"FOREIGN KEY \(\w+\)\s+REFERENCES {table} \(id\)(?: ON DELETE CASCADE)?"
    return {path: re.sub(leaning, "CHECK (true)", text) for path, text in after.items()}


def _end(text: str, start: int) -> int:
    """Where the definition that begins at `start` ends, brackets balanced."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth < 0 or (depth == 0 and text[end] in ",;"):
            return start + len(text[start:end].rstrip())
    raise AssertionError("a definition without an end")
