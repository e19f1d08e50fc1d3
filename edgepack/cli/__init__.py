"""The command line, a file per command. Heavy imports stand inside the commands: `edgepack --help` loads none."""

from __future__ import annotations

import typer

from edgepack import console
from edgepack.cli.bench import bench
from edgepack.cli.check import check
from edgepack.cli.demo import demo
from edgepack.cli.diff import diff
from edgepack.cli.export import export
from edgepack.cli.inspect import inspect
from edgepack.cli.keygen import keygen
from edgepack.cli.parity import parity
from edgepack.cli.predict import predict
from edgepack.cli.report import report
from edgepack.cli.sdk import sdk
from edgepack.cli.targets import targets
from edgepack.cli.verify import verify

COMMANDS = (export, verify, parity, bench, report, sdk, diff, predict, inspect, check, targets, keygen, demo)
"""In the order of `edgepack --help`."""

app = typer.Typer(
    name="edgepack",
    help="Compile a registered scikit-learn pipeline into signed, parity-checked artifacts for phones.",
    epilog="Exit codes: 0 fine · 1 unexpected · 2 usage · 3 source (registry, load) · 4 unsupported · "
    "5 parity · 6 signature/manifest · 7 budget",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes 140 ms to import, and plain help can be grepped
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point: exits with the code that `--help` documents."""
    console.run(app)
