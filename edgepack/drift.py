"""Whether what is deployed still answers as what was exported: a live model server, and devices' own records."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.bench.rest import RestClient, payload
from edgepack.columns import row_count, take
from edgepack.contract import Answers, Columns, Interface, Verdict
from edgepack.errors import EdgepackError, UsageError
from edgepack.ir.types import Array

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.parity import Tolerance
    from edgepack.source.loading import Env

ROWS_AT_ONCE = 256
REFUSED = ": status 4"


def server_drift(
    bundle: Bundle,
    url: str,
    *,
    tolerance: Tolerance | None = None,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
) -> Verdict:
    """The verdict on a live model server: asked the golden rows, does it answer what the exported model answered?

    A quantized bundle's golden answers are those of its quantized numbers, which no server has: then the original is
    loaded from the registry, and answers the rows itself.

    Rows that this server's signature refuses are counted, and `failed` is a server that refuses all or breaks down. One
    that is not there is `not run`.

    Raises:
        UsageError: an address that is none.
        SourceError: the bundle is quantized, and its original cannot be loaded any more.
    """
    from edgepack.bundle.files import GOLDEN
    from edgepack.bundle.golden import read_golden
    from edgepack.parity import compare, not_run

    columns, expected = read_golden(bundle.path / GOLDEN, bundle.interface)
    if bundle.manifest.is_quantized:
        columns, expected = _originally(bundle, columns, tracking_uri, allow_pickle, env)
    with RestClient(url) as client:
        try:
            client.ping()
        except EdgepackError as error:
            return not_run("server", str(error), runtime=client.url)
        try:
            found = list(_asked(client, columns, bundle.interface))
        except EdgepackError as error:
            return Verdict(target="server", runtime=client.url, status="failed", reason=str(error))
        answered = np.array([not isinstance(answer, str) for answer in found])
        failed = Verdict(target="server", runtime=client.url, status="failed", refused_rows=int((~answered).sum()))
        if not answered.any():
            return replace(failed, reason=f"it refuses every golden row: {found[0]}")
        try:
            name, live = _output([answer for answer in found if not isinstance(answer, str)], bundle.interface)
        except ValueError as error:
            return replace(failed, reason=str(error))
        return compare(
            "server",
            client.url,
            {name: expected[name][answered]},
            {name: live},
            columns=take(columns, answered),
            refused_rows=int((~answered).sum()),
            cases={"golden": int(answered.sum())},
            tolerance=tolerance,
        )


def _originally(
    bundle: Bundle, columns: Columns, tracking_uri: str | None, allow_pickle: bool, env: Env
) -> tuple[Columns, Answers]:
    """The rows that the original answers, and what it does."""
    from edgepack.recheck import original

    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        compiled = original(bundle, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle, env=env)
        answers, refused = compiled.server.answers(columns)
    return take(columns, ~refused), answers


def log_drift(bundle: Bundle, log: Path, *, tolerance: Tolerance | None = None) -> Verdict:
    """The verdict on answers that devices recorded: does the bundle's artifact give them here?

    A line is `{"inputs": {…}, "answers": {…}}`, as rows of `golden.json` are.

    Raises:
        UsageError: no such file, or a line that is not of this form; with its place.
    """
    from edgepack.bundle.golden import Misfit, rows_of
    from edgepack.parity import Tolerance, compare, not_run
    from edgepack.recheck import runners

    try:
        columns, recorded = rows_of(list(_lines(log)), bundle.interface)
    except Misfit as error:
        raise UsageError(f"{log}: {error}; write lines as rows of golden.json are") from error
    reasons = []
    for target, runner in runners(bundle).items():
        if isinstance(runner, str):
            reasons.append(f"{target}: {runner}")
            continue
        return compare(
            target,
            f"{log.name} beside {runner.runtime}",
            runner.run(columns),
            recorded,
            columns=columns,
            cases={"log": row_count(columns)},
            tolerance=(tolerance or Tolerance(yields=True)).of(runner),
            tie_width=float(getattr(runner, "tie_width", 0.0)),
        )
    return not_run("log", "; ".join(reasons) or "the bundle holds no artifact")


def _asked(client: RestClient, columns: Columns, interface: Interface) -> Iterator[Any]:
    """Each row's prediction, or the text with which the server refuses it."""
    for start in range(0, row_count(columns), ROWS_AT_ONCE):
        part = take(columns, slice(start, start + ROWS_AT_ONCE))
        try:
            yield from _predictions(client, part, interface)
        except EdgepackError as error:
            if REFUSED not in str(error):  # a server that breaks down has refused nothing
                raise
            for k in range(row_count(part)):  # one row that is refused must not hide the others
                try:
                    yield from _predictions(client, take(part, slice(k, k + 1)), interface)
                except EdgepackError as refusal:
                    if REFUSED not in str(refusal):
                        raise
                    yield str(refusal)


def _predictions(client: RestClient, columns: Columns, interface: Interface) -> list[Any]:
    answer = client.invoke(payload(_rows(columns, interface)))
    try:
        found = json.loads(answer)["predictions"]
    except (ValueError, KeyError, TypeError) as error:
        raise EdgepackError(f"{client.url}: its answer holds no predictions; give an MLflow model server") from error
    if not isinstance(found, list) or len(found) != row_count(columns):
        raise EdgepackError(f"{client.url}: its predictions are not one per row; give an MLflow model server")
    # a column of a table comes as {"column": value}; text would be taken for a refusal
    return [tuple(row.values() if isinstance(row, dict) else row if isinstance(row, list) else [row]) for row in found]


def _rows(columns: Columns, interface: Interface) -> Any:
    """The rows as the server's signature wants them: a table by names, or a matrix for one wide input."""
    import pandas as pd

    if len(interface.inputs) == 1 and interface.inputs[0].width > 1:
        return columns[interface.inputs[0].name]
    return pd.DataFrame({i.name: pd.Series(columns[i.name][:, 0]) for i in interface.inputs})


def _output(rows: list[tuple[Any, ...]], interface: Interface) -> tuple[str, Array]:
    """Which output the predictions are, and their array. Raises `ValueError` where they are none of the model's."""
    widths = {len(row) for row in rows}
    wanted = {"label": 1, "value": interface.value_width, "probabilities": len(interface.classes or ())}
    for name, width in wanted.items():
        if name in interface.outputs and widths == {width}:
            values = [row[0] for row in rows] if width == 1 else [list(row) for row in rows]
            return name, np.array(values, object) if isinstance(values[0], str) else np.array(values)
    raise ValueError(
        f"it answers {sorted(widths)} values a row; the exported model gives {', '.join(interface.outputs)}"
    )


def _lines(log: Path) -> Iterator[Any]:
    from edgepack.bundle.strict_json import parse, with_floats

    try:
        lines = log.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{log}: cannot be read ({error.strerror}); give a file of JSON lines") from error
    if not lines:
        raise UsageError(f"{log}: has no lines; give at least one")
    for number, line in enumerate(lines, 1):
        try:
            yield with_floats(parse(line, f"line {number}"))
        except EdgepackError as error:
            raise UsageError(f"{log}: {error}") from error
