"""Processor time of process trees, from /proc."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def seconds(roots: Mapping[str, list[int]]) -> dict[str, float]:
    """Processor seconds so far of each named group of processes, all their children included."""
    spent: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, (_, parent, *fields) = int(stat.parent.name), _fields(stat)
        except OSError:  # ended meanwhile; its parent has what it spent
            continue
        children[int(parent)].append(pid)
        spent[pid] = sum(map(int, fields[9:13]))  # utime, stime, and both of ended children
    return {name: _sum(pids, spent, children) / _TICKS_PER_SECOND for name, pids in roots.items()}


def _fields(stat: Path) -> list[str]:
    return stat.read_text().rpartition(")")[2].split()


def _sum(pids: list[int], spent: Mapping[int, int], children: Mapping[int, list[int]]) -> int:
    below = [child for pid in pids for child in children.get(pid, ())]
    return sum(spent.get(pid, 0) for pid in pids) + (_sum(below, spent, children) if below else 0)
