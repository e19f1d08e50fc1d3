"""A proof that an emitted forest decides as the Program lowered from scikit-learn, for every input there is.

Both sides' splits become sets of raw values (`predicates`). An original tree and the file's tree are then walked
together: a region of the input space goes left, right, or is cut in two, on either side, until both stand at leaves,
which must hold equal numbers. Regions are never empty, so a difference comes with a row that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from edgepack.contract import Input
from edgepack.ir import Program
from edgepack.ir.decisions import Decisions
from edgepack.ir.ops import (
    ArgMax,
    Complement,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Label,
    Lookup,
    Sigmoid,
    Softmax,
    Step,
)
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.lockstep import walk
from edgepack.parity.ordered import from_order, to_order
from edgepack.parity.predicates import CHECKED_FLOATS, Splits, Undecidable, splits_of
from edgepack.parity.trace import Chain, Slot, trace
from edgepack.parity.tree_pair import Region, Side, TreePair

LARGEST_WALK = 2_000_000
LARGEST_FOREST = 20_000_000
UNSEEN = "\N{REPLACEMENT CHARACTER}unseen"
UNIT = 2.0**-53
"""Half the distance from 1 to the next float64: the relative rounding of one operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The file takes the Program's branches for every input.

    Attributes:
        trees, splits: how large the Program's forest is.
        bound: how far a score (before `link`) can be from the server's, which adds the same leaves in its own order.
        link: what follows the scores.
        labels: whether a label does.
        assumed: functions taken to be monotone.
        dtype: the inputs' type.
    """

    trees: int
    splits: int
    bound: float
    link: str
    labels: bool
    assumed: tuple[str, ...]
    dtype: str

    def __str__(self) -> str:
        """What is proved, the bound, and what is assumed, in one sentence."""
        text = (
            f"for every finite {self.dtype}, NaN, category, unknown and missing value the file reaches the leaves of "
            f"the program lowered from scikit-learn ({self.trees:,} trees, {self.splits:,} splits), and its scores "
            f"differ by at most {self.bound:.2g}"
        )
        if self.link not in ("identity", "complement"):
            text += f" before {self.link}, whose rounding is measured"
        if self.labels:
            text += "; a label can differ only where the best scores tie within twice that"
        text += "; taken as given, and measured on the rows: lowering, and a runtime that does what its operators say"
        if self.assumed:
            text += (
                f"; {', '.join(self.assumed)} taken to be monotone, "
                f"and checked on {CHECKED_FLOATS:,} floats on each side of every cut"
            )
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A row for which a tree of the file answers differently.

    Attributes:
        row: a value per input.
        tree: the Program's tree.
        server, device: the leaf values that each side reaches.
    """

    row: Mapping[str, Any]
    tree: int
    server: tuple[float, ...]
    device: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither a proof nor a witness, and why."""

    reason: str


Finding = Proof | Witness | Undecided


def prove(lowered: Program, decisions: Decisions, *, slack: float = 0.0) -> Finding:
    """Whether a file, as its target has read it back, decides as the Program does.

    Args:
        lowered: as lowered from scikit-learn, before any pass.
        decisions: of the file.
        slack: how far the file's leaves together may move a score; this becomes part of the bound.
    """
    try:
        return _Question(lowered, decisions, slack).answer()
    except Undecidable as why:
        return Undecided(str(why))


class _Question:
    """One forest of a Program against one file."""

    def __init__(self, program: Program, decisions: Decisions, slack: float) -> None:
        """Takes what both forests are functions of. Raises `Undecidable` for programs that are more than a forest."""
        self.program, self.decisions, self.slack = program, decisions, slack
        forests = [(node, node.op) for node in program.nodes if isinstance(node.op, Forest)]
        if len(forests) != 1:
            raise Undecidable(f"{len(forests)} forests; one can be compared")
        node, self.forest = forests[0]
        self.emitted = decisions.forest
        self.chains = trace(program)[node.inputs[0]]
        self.read = tuple(
            Chain((f.input, f.column), () if f.lookup is None else ((f.lookup, 0),)) for f in decisions.features
        )
        self.tail = _tail(program, node.name)
        self.domains = self._domains()

    def answer(self) -> Finding:
        """Compares tree by tree."""
        forest, emitted = self.forest, self.emitted
        self._require_same_sums()
        dtype = self.program.interface.input_dtype
        server = splits_of(forest, self.chains, self.domains, dtype)
        device = splits_of(emitted, self.read, self.domains, dtype)
        before = _side(forest, server, self.chains, self._promised())
        after = _side(emitted, device, self.read, emitted.value)
        lead = len(emitted.roots) - len(forest.roots)
        met = walk(before, after, (forest.roots, emitted.roots[lead:]))
        slack = self._total_slack()
        moved, doubtful = met.moved.copy(), set(np.flatnonzero(met.moved > slack).tolist())
        parent, is_left = _parents(forest)
        steps = LARGEST_WALK
        for start, other, tree in zip(met.before.tolist(), met.after.tolist(), met.tree.tolist(), strict=True):
            if tree in doubtful:
                continue
            pair = TreePair(before, after, (start, other), _path(start, parent, is_left), self.domains, steps)
            moved[tree] = max([moved[tree], *(difference.size for difference in pair.differences())])
            steps -= pair.steps
        doubtful |= set(np.flatnonzero(moved > slack).tolist())
        if float(moved.sum()) > slack:
            doubtful.add(int(moved.argmax()))
        refused = None
        for tree in sorted(doubtful):
            roots = int(forest.roots[tree]), int(emitted.roots[lead + tree])
            pair = TreePair(before, after, roots, (), self.domains, LARGEST_WALK)
            moved[tree] = 0.0
            for difference in pair.differences():
                moved[tree] = max(moved[tree], difference.size)
                if float(moved.sum()) <= slack:
                    continue
                row, is_refused = self._row(pair, difference.region)
                if not is_refused:
                    return Witness(row=row, tree=tree, server=difference.before, device=difference.after)
                refused = tree
        if refused is not None:
            raise Undecidable(f"tree {refused} differs, for rows that the server refuses")
        return Proof(
            trees=len(forest.roots),
            splits=int((~forest.is_leaf).sum()),
            bound=self._bound() + float(moved.sum()) / emitted.divisor,
            link=self.decisions.link,
            labels=self.decisions.tie != "none",
            assumed=tuple(sorted(server.assumed | device.assumed)),
            dtype=dtype,
        )

    def _promised(self) -> Floats:
        """The Program's leaves in the file's terms."""
        value = self.forest.value[:, 1:] if self.decisions.link == "complement" else self.forest.value
        return value / self._scale()

    def _scale(self) -> float:
        """What the file's leaves have been divided by in advance."""
        return self.forest.divisor / self.emitted.divisor

    def _total_slack(self) -> float:
        """How far the leaves of all trees together may be apart: what was asked, and what dividing them has rounded."""
        rounded = 0.0
        if self.decisions.rounded:
            largest = max(1.0, float(np.abs(self._promised()).max(initial=0)))
            rounded = len(self.forest.roots) * 2 * UNIT * largest
        return self.slack * self.emitted.divisor + rounded

    def _require_same_sums(self) -> None:
        """Raises `Undecidable` unless the file adds base and trees, divides and ends as the Program does."""
        forest, emitted = self.forest, self.emitted
        link = "identity" if self.decisions.link == "complement" else self.decisions.link
        ends = {(link, self.decisions.tie)}
        if link == "sigmoid":  # of one score: where it is 0, both classes tie
            ends = {(link, "first"), (link, "last")}
        if self.tail not in ends:
            raise Undecidable(f"the program ends in {self.tail}, the file in {(link, self.decisions.tie)}")
        if max(len(forest.feature), len(emitted.feature)) > LARGEST_FOREST:
            raise Undecidable(f"{len(forest.feature):,} nodes; up to {LARGEST_FOREST:,} are compared")
        if forest.divisor != emitted.divisor and not self.decisions.rounded:
            raise Undecidable(f"the program divides by {forest.divisor}, the file by {emitted.divisor}")
        base = forest.base / self._scale()
        if self.decisions.link == "complement":
            if len(base) != 2 or base.any():
                raise Undecidable("the file gives one class as the other's complement, the program does not")
            base = base[1:]
        if emitted.value.shape[1] != len(base):
            raise Undecidable(f"the program has {len(base)} sums, the file {emitted.value.shape[1]}")
        lead = len(emitted.roots) - len(forest.roots)
        roots = emitted.roots[: max(lead, 0)]
        left, right = emitted.left[roots], emitted.right[roots]
        constant = np.where(left < 0, roots, left)
        added = emitted.value[constant]
        same = (left < 0) | (np.all(emitted.value[left] == emitted.value[right], axis=1))
        flat = np.all((left < 0) | ((emitted.left[left] < 0) & (emitted.left[right] < 0)) & same)
        # one number per sum: then adding them up rounds nothing
        added = np.concatenate([added, emitted.base[None]])
        if lead < 0 or not flat or np.any((added != 0).sum(axis=0) > 1) or np.any(added.sum(axis=0) != base):
            raise Undecidable("the file's sums do not start with the program's base")

    def _domains(self) -> dict[int, Array]:
        """By a string input's number: every string that either side names, one that none names, and a missing one."""
        named: dict[int, dict[str, None]] = {
            k: {} for k, i in enumerate(self.program.interface.inputs) if i.kind == "string"
        }
        for chain in (*self.chains, *self.read):
            if chain is None or chain.slot[0] not in named:
                continue
            texts = named[chain.slot[0]]
            for op, _ in chain.steps:
                match op:
                    case Lookup(keys=keys) if keys.dtype == object:
                        texts.update(dict.fromkeys(keys))
                    case Impute(fill=fill, sentinel=sentinel) if fill.dtype == object:
                        texts.update(dict.fromkeys(text for text in [*fill, sentinel] if isinstance(text, str)))
                    case Indicate(sentinel=str(text)):
                        texts[text] = None
        domains = {}
        for k, texts in named.items():
            token = self.program.interface.inputs[k].missing_token
            texts.pop(token, None)  # an artifact has no other way to say that a string is missing
            unseen = UNSEEN
            while unseen in texts or unseen == token:
                unseen += "?"
            domains[k] = np.array([*texts, unseen, None], object)
        return domains

    def _row(self, pair: TreePair, region: Region) -> tuple[dict[str, Any], bool]:
        """A row of the region, and whether the server refuses every such row."""
        interface, refused = self.program.interface, False
        cells: dict[Slot, Any] = {}
        for slot, atoms in zip(pair.columns, region, strict=True):
            i = interface.inputs[slot[0]]
            first = (atoms & -atoms).bit_length() - 1
            if slot[0] in self.domains:
                domain = self.domains[slot[0]]
                cells[slot] = domain[first]
                refused |= first == len(domain) - 1 and not i.accepts_missing
                refused |= first < len(domain) - 1 and _is_refused(i, domain[first])
                continue
            cuts = pair.cuts[slot]
            ends = np.append(cuts, to_order(np.array([np.finfo(interface.input_dtype).max]), interface.input_dtype))
            numbers = from_order(ends, interface.input_dtype)
            known = [k for k in range(len(ends)) if atoms >> k & 1]
            accepted = [k for k in known if not _is_refused(i, float(numbers[k]))]
            cells[slot] = float(numbers[(accepted or known)[0]]) if known else float("nan")
            refused |= not accepted and (bool(known) or not i.accepts_missing)
        row: dict[str, Any] = {}
        for k, i in enumerate(interface.inputs):
            values = [cells.get((k, j), self._any(k)) for j in range(i.width)]
            row[i.name] = values[0] if i.width == 1 else values
        return row, refused

    def _any(self, k: int) -> Any:
        i = self.program.interface.inputs[k]
        if i.categories:
            return i.categories[0]
        return 0.0 if i.kind == "number" else self.domains[k][0]

    def _bound(self) -> float:
        """How far two float64 sums of the same leaves, each in an order of its own, can be from one another.

        n numbers added in any order, then divided, are off by at most γ(n) Σ|x| / divisor, γ(n) = n u / (1 − n u), and
        so is the other side. Where the file gives class 0 as 1 − p, the leaves' own 1 − (v₀ + v₁) and the rounding of
        that subtraction come on top.

        Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, lemma 3.1 and section 4.2.
        """
        forest = self.forest
        largest = np.abs(forest.base)
        for first, last in pairwise([*forest.roots.tolist(), len(forest.feature)]):
            largest = largest + np.abs(forest.value[first:last]).max(axis=0)
        n = len(forest.roots) + 4  # the base, the division, and two to spare for the rounding of this sum
        bound = 2 * n * UNIT / (1 - n * UNIT) * float(largest.max()) / forest.divisor
        if self.decisions.link == "complement":
            leaf = forest.is_leaf
            bound += float(np.abs(forest.value[leaf].sum(axis=1) - 1).max()) + 4 * UNIT
        return bound


def _parents(forest: Forest) -> tuple[Integers, Flags]:
    """Each node's parent, −1 for roots, and whether it stands on its left."""
    inner = np.flatnonzero(~forest.is_leaf)
    parent, is_left = np.full(len(forest.feature), -1), np.zeros(len(forest.feature), np.bool_)
    parent[forest.left[inner]] = parent[forest.right[inner]] = inner
    is_left[forest.left[inner]] = True
    return parent, is_left


def _path(node: int, parent: Integers, is_left: Flags) -> tuple[tuple[int, bool], ...]:
    """The splits above a node, each with whether the way down goes left."""
    found = []
    while (above := int(parent[node])) >= 0:
        found.append((above, bool(is_left[node])))
        node = above
    return tuple(found)


def _side(forest: Forest, splits: Splits, chains: tuple[Chain | None, ...], value: Floats) -> Side:
    slots = [chain.slot if chain is not None else None for chain in chains]
    return Side(
        left=forest.left,
        right=forest.right,
        value=value,
        predicates=splits.predicates,
        slots=tuple(slots[f] if leaf < 0 else None for f, leaf in zip(forest.feature, -1 - forest.left, strict=True)),
    )


def _is_refused(i: Input, value: str | float) -> bool:
    """Whether a server refuses a value that is no category."""
    return i.categories is not None and not i.accepts_unknown and value not in i.categories


def _tail(program: Program, scores: str) -> tuple[str, str]:
    """What follows the forest: the link, and which of two equal classes is the label. Raises `Undecidable`."""
    outputs = program.outputs
    if set(outputs) == {"value"}:
        match _ops(program, outputs["value"], scores):
            case []:
                return "identity", "none"
            case [Elementwise(function="exp")]:
                return "exp", "none"
    elif set(outputs) == {"label", "probabilities"}:
        probabilities, label = _ops(program, outputs["probabilities"], scores), _ops(program, outputs["label"], scores)
        match probabilities, label:
            case [], [ArgMax(), Label()]:
                return "identity", "first"
            case [Softmax()], [ArgMax(), Label()]:
                return "softmax", "first"
            case [Sigmoid(), Complement()], [Step(threshold=0.0, strict=strict), Label()]:
                return "sigmoid", "first" if strict else "last"
    raise Undecidable("more than a link follows the trees")


def _ops(program: Program, name: str, start: str) -> list[object]:
    """The ops of one input each from one value to another, in order. Raises `Undecidable` if there is no such way."""
    found: list[object] = []
    while name != start:
        node = program.node_of(name)
        if node is None or len(node.inputs) != 1:
            raise Undecidable("the answer depends on more than the trees")
        if isinstance(node.op, Label) and tuple(node.op.classes.tolist()) != program.interface.classes:
            raise Undecidable(f"labels {node.op.classes.tolist()} in another order than the interface's")
        found.append(node.op)
        name = node.inputs[0]
    return found[::-1]
