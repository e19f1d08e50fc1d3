"""Lookups on raw inputs: imputing before a lookup becomes the lookup's row for a missing value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Lookup
from edgepack.ir.program import Program
from edgepack.passes.categories import domain_of, finite_part
from edgepack.passes.rewrite import Draft
from edgepack.passes.trace import Tracer


def fold_lookups(program: Program) -> Program:
    """The Program whose lookups read a raw column wherever only imputation stood before them."""
    draft, tracer = Draft(program), Tracer(program)
    for node in program.nodes:
        if not isinstance(node.op, Lookup):
            draft.nodes.append(node)
            continue
        path = tracer.path(node.name, 0)
        start = finite_part(path)
        if start is None or len(path.links) - start == 1:
            draft.nodes.append(node)
            continue
        paths = [tracer.path(node.name, j).after(start) for j in range(node.op.table.shape[1])]
        domain = domain_of(paths)
        table = np.stack([p.run(domain.values) for p in paths], axis=1)
        source = draft.gather([paths[0].start], step=node.step)
        draft.nodes.append(replace(node, op=Lookup(keys=domain.keys, table=table), inputs=(source,)))
    return draft.finish()
