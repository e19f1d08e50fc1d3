"""What `--runtime` names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from edgepack.errors import UsageError

Kind = Literal["onnxruntime", "node", "web", "arm64"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_FORM = re.compile(r"(?P<kind>[a-z0-9]+)(==(?P<version>\d+(\.\d+){1,3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A runtime, and its version where one is asked for.

    Round trip: `Spec.parse(str(spec)) == spec`.
    """

    kind: Kind
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Spec:
        """The runtime that a word such as `onnxruntime==1.20.1` or `node` names. Raises `UsageError`."""
        found = _FORM.fullmatch(text)
        kind = next((k for k in KINDS if found and k == found["kind"]), None)
        version = found["version"] if found else None
        if kind is None or (kind == "onnxruntime") > (version is not None) or (kind == "arm64" and version):
            raise UsageError(
                f"{text!r} is no runtime; give onnxruntime==VERSION, node, node==VERSION, web, web==VERSION or arm64"
            )
        return cls(kind=kind, version=version)

    def __str__(self) -> str:
        """`onnxruntime==1.20.1`, `node`."""
        return self.kind if self.version is None else f"{self.kind}=={self.version}"
