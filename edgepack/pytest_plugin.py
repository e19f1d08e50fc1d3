"""A pytest plugin: the fixture `edgepack_bundle`, a bundle that a project's own tests gate.

    def test_the_bundle_answers_as_the_server(edgepack_bundle):
        edgepack_bundle.require_parity()

`pytest --edgepack-bundle dist/house-prices-3`, or `edgepack_bundle = "dist/house-prices-3"` in pytest's own settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.contract import Answers, Columns, Verdict
    from edgepack.gate import Policy
    from edgepack.source.loading import Env


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedBundle:
    """A bundle and the policy that it is held to.

    Attributes:
        bundle: as `edgepack.bundle` opens it.
        policy: of `--edgepack-policy`, or of the file in the folder that pytest was started in; None without either.
    """

    bundle: Bundle
    policy: Policy | None

    def require_golden(self) -> tuple[Verdict, ...]:
        """The verdicts on the golden rows, which need no registry; see `require_parity`."""
        from edgepack.cli.files import tolerance_of
        from edgepack.recheck import recheck_golden

        runtimes = self.policy.runtimes if self.policy else ()
        verdicts = recheck_golden(self.bundle, tolerance=tolerance_of(None, self.policy), runtimes=runtimes)
        return self._held(verdicts)

    def require_parity(
        self,
        *,
        data: Path | str | None = None,
        rows: int = 20_000,
        tracking_uri: str | None = None,
        allow_pickle: bool = False,
        env: Env = "auto",
    ) -> tuple[Verdict, ...]:
        """The verdicts on boundary rows, beside the original model.

        Raises:
            ParityError: a line for each verdict and each demand of the policy that failed.
            BudgetError: only budgets failed.
            SourceError: the original cannot be loaded any more.
        """
        from edgepack.cli.files import tolerance_of
        from edgepack.parity.stream_data import DataFile
        from edgepack.recheck import recheck

        verdicts = recheck(
            self.bundle,
            stream=None if data is None else DataFile.open(data, self.bundle.interface),
            rows=rows,
            tolerance=tolerance_of(None, self.policy),
            runtimes=self.policy.runtimes if self.policy else (),
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env,
        )
        return self._held(verdicts)

    def answers(self, target: str, columns: Columns) -> Answers:
        """What an artifact of the bundle answers; raises `UsageError` where nothing here runs it."""
        from edgepack.errors import UsageError
        from edgepack.recheck import runners

        runner = runners(self.bundle).get(target, "not in the bundle; export it with --target")
        if isinstance(runner, str):
            raise UsageError(f"{target}: {runner}")
        return runner.run(columns)

    def _held(self, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
        from edgepack.gate import require_all
        from edgepack.gating import checks_of

        require_all(verdicts, () if self.policy is None else checks_of(self.policy, verdicts, self.bundle))
        if not any(verdict.passed for verdict in verdicts):
            pytest.fail("; ".join(f"{v.target}: {v.status} ({v.reason})" for v in verdicts) or "no artifact")
        return verdicts


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, and the setting `edgepack_bundle`."""
    group = parser.getgroup("edgepack", "the bundle that the fixture edgepack_bundle gates")
    group.addoption("--edgepack-bundle", metavar="FOLDER", help="The bundle.")
    group.addoption("--edgepack-policy", metavar="FILE", help="What it must hold.")
    parser.addini("edgepack_bundle", "The bundle that the fixture edgepack_bundle gates.")


@pytest.fixture(scope="session")
def edgepack_bundle(pytestconfig: pytest.Config) -> GatedBundle:
    """The bundle of `--edgepack-bundle` or of the setting; a test that asks for it fails where there is none."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.gate import find_policy, read_policy

    here = pytestconfig.invocation_params.dir  # pytest's root may be the bundle's parent: options count as paths
    option, setting = pytestconfig.getoption("--edgepack-bundle"), pytestconfig.getini("edgepack_bundle")
    if not option and not setting:
        raise pytest.UsageError("edgepack_bundle: no bundle; give --edgepack-bundle FOLDER")
    asked = pytestconfig.getoption("--edgepack-policy")
    found = Path(asked) if asked else find_policy(here)
    path = here / option if option else pytestconfig.rootpath / setting
    return GatedBundle(bundle=Bundle.open(path), policy=None if found is None else read_policy(found))
