"""What every command prints with: one-line errors, progress on standard error, tables or JSON on standard output."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from edgepack.errors import EdgepackError, UsageError

INTERRUPTED = 130


def run(app: Callable[[], Any]) -> NoReturn:
    """Runs the command line and exits: 0, an error's own code, 130 after Ctrl-C, 1 for what nobody foresaw."""
    try:
        app()
    except EdgepackError as error:
        fail(str(error), error.exit_code)
    except SystemExit as end:  # typer ends so by itself, and says nothing of Ctrl-C
        if end.code != INTERRUPTED:
            raise
        fail("interrupted; nothing was left half-written", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            place = error.filename or "the disk"
            fail(f"{place}: no space left; make room, or name another place with --out or TMPDIR", UsageError.exit_code)
        if os.environ.get("EDGEPACK_DEBUG"):
            raise
        fail(f"unexpected {type(error).__name__}: {_first_line(error)}; EDGEPACK_DEBUG=1 shows where", 1)
    sys.exit(0)


def fail(message: str, code: int) -> NoReturn:
    """Prints each line as an error and exits."""
    for line in message.splitlines() or [message]:
        print(f"edgepack: {line}", file=sys.stderr)
    sys.exit(code)


def note(message: str) -> None:
    """One line on standard error that ends nothing."""
    print(f"edgepack: {message}", file=sys.stderr)


def emit_json(document: Any) -> None:
    """A document as JSON on standard output."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def show(*renderables: Any) -> None:
    """Rich tables or text on standard output; full width where it is no terminal."""
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=140)
    for renderable in renderables:
        console.print(renderable)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A callback `(what, done, total)` behind progress bars on standard error."""
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield update


def facts(title: str, rows: Mapping[str, Any]) -> Any:
    """A two-column table of names and values."""
    from rich.table import Table

    table = Table(title=title, show_header=False, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True, min_width=len("outputs"))  # tables below each other are in line
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value not in (None, "", [], ()):
            table.add_row(name, str(value))
    return table


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "no message"


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
