"""A Program's nodes as few boxes: what does the same on the way to the same place stands in one box."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Values of one kind.

    Attributes:
        kind: `input`, `op` or `output`.
        title: the op's name, the column's, or the output's.
        subtitle: the step and type, or the kind of columns.
        members: how many values it stands for.
        hint: the names or steps of all of them.
        takes: positions of the boxes that it takes values from; all are earlier.
    """

    kind: str
    title: str
    subtitle: str
    members: int
    hint: str
    takes: tuple[int, ...]


def boxes(program: dict[str, Any]) -> tuple[Box, ...]:
    """Boxes in an order in which each stands after what it takes.

    Two nodes share a box if they have op and step in common and all that they feed shares boxes too. A node lies on a
    longer way to the outputs than whatever it feeds, so no box feeds itself.
    """
    entries = {i["name"]: ("input", i["type"].partition("[")[0], "") for i in program["inputs"]}
    entries |= {n["name"]: ("op", n["op"], n["step"]) for n in program["nodes"]}
    feeds: dict[str, set[int]] = defaultdict(set)
    keys: dict[Any, int] = {}
    grouped: dict[str, int] = {}
    for output, name in program["outputs"].items():
        feeds[name].add(keys.setdefault(("output", output, "", frozenset()), len(keys)))
    takes = {n["name"]: n["inputs"] for n in program["nodes"]}
    for name in reversed(list(entries)):
        if name not in feeds and name in takes:
            continue  # nothing asks for it
        grouped[name] = keys.setdefault((*entries[name], frozenset(feeds[name])), len(keys))
        for taken in takes.get(name, ()):
            feeds[taken].add(grouped[name])
    members: dict[int, list[str]] = defaultdict(list)
    for name in entries:
        if name in grouped:
            members[grouped[name]].append(name)
    return _ordered(program, keys, members, grouped, takes)


def _ordered(
    program: dict[str, Any],
    keys: dict[Any, int],
    members: dict[int, list[str]],
    grouped: dict[str, int],
    takes: dict[str, list[str]],
) -> tuple[Box, ...]:
    """The groups as boxes, inputs first: a group's number falls along every way, so descending order will do."""
    columns = {i["name"]: i for i in program["inputs"]}
    nodes = {n["name"]: n for n in program["nodes"]}
    at: dict[int, int] = {}
    found: list[Box] = []
    for key, group in sorted(keys.items(), key=lambda item: -item[1]):
        names = members[group]
        sources = {at[grouped[t]] for name in names for t in takes.get(name, ()) if t in grouped}
        at[group] = len(found)
        if key[0] == "output":
            sources = {at[grouped[program["outputs"][key[1]]]]}
            found.append(_box("output", key[1], "output", 1, key[1], sources))
        elif key[0] == "input":
            found.append(_input_box([columns[name] for name in names]))
        else:
            found.append(_op_box([nodes[name] for name in names], sources))
    return tuple(found)


def _input_box(columns: list[dict[str, Any]]) -> Box:
    kind, names = columns[0]["type"].partition("[")[0], [c["column"] for c in columns]
    if len(columns) == 1:
        return _box("input", names[0], columns[0]["type"], 1, names[0], set())
    title = f"{len(names)} {'texts' if kind == 'string' else 'numbers'}"
    shown = ", ".join(names[:2]) + (", …" if len(names) > 2 else "")
    return _box("input", title, shown, len(names), ", ".join(names), set())


def _op_box(nodes: list[dict[str, Any]], sources: set[int]) -> Box:
    first = nodes[0]
    title = first["op"] + (f" × {len(nodes)}" if len(nodes) > 1 else "")
    step = first["step"].rpartition(" → ")[2]
    details = dict.fromkeys(n["detail"] for n in nodes if n["detail"])
    subtitle = next(iter(details)) if len(details) == 1 else step or first["type"]
    hint = f"{first['step'] or first['op']}: " + ", ".join(n["name"] for n in nodes[:NAMES_SHOWN])
    return _box("op", title, subtitle, len(nodes), hint + (", …" if len(nodes) > NAMES_SHOWN else ""), sources)


def _box(kind: str, title: str, subtitle: str, members: int, hint: str, takes: set[int]) -> Box:
    return Box(kind=kind, title=title, subtitle=subtitle, members=members, hint=hint, takes=tuple(sorted(takes)))
