"""Where the ledger locks: every locking clause in its SQL, found in the source, not listed by hand.

A lock is named after the function, or the constant, whose statement takes it; of several in one,
the second is `….2`.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOM = "ledger"

_CLAUSE = re.compile(
    r"\bFOR (?:NO KEY UPDATE|KEY SHARE|UPDATE|SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?"
    r"|\bpg_\w*advisory\w*lock\w*\(|\bLOCK TABLE\b"
)


@dataclass(frozen=True, slots=True)
class Lock:
    """A locking clause; `start` is where it stands in the text of the file."""

    name: str
    path: str
    clause: str
    start: int


def locks(root: Path) -> list[Lock]:
    """Every locking clause of the ledger's SQL."""
    files = sorted((root / ROOM).rglob("*.py"))
    return [lock for path in files for lock in _of_file(root, path)]


def _of_file(root: Path, path: Path) -> Iterator[Lock]:
    text = path.read_text()
    place = path.relative_to(root)
    module = ".".join(place.with_suffix("").parts[1:])
    seen: Counter[str] = Counter()
    for owner, start, end in _strings(text):
        for found in _CLAUSE.finditer(text, start, end):
            name = f"{module}.{owner}"
            seen[name] += 1
            number = f".{seen[name]}" if seen[name] > 1 else ""
            yield Lock(f"{name}{number}", str(place), found[0], found.start())


def _strings(text: str) -> Iterator[tuple[str, int, int]]:
    """Every string but docstrings: whose it is, and from where to where it stands."""
    lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(line: int, column: int) -> int:
        start = lines[line - 1]
        return start + len(text[start:].encode()[:column].decode())

    def walk(node: ast.AST, owner: str) -> Iterator[tuple[str, int, int]]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Expr(value=ast.Constant()):
                    continue
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    yield from walk(child, name)
                case ast.Assign(targets=[ast.Name(id=name)]) if isinstance(node, ast.Module):
                    yield from walk(child, name)
                case ast.JoinedStr() | ast.Constant(value=str()):
                    assert child.end_lineno is not None
                    assert child.end_col_offset is not None
                    end = place(child.end_lineno, child.end_col_offset)
                    yield owner, place(child.lineno, child.col_offset), end
                case _:
                    yield from walk(child, owner)

    yield from walk(ast.parse(text), "module")
