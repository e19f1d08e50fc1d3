"""Core ML's protobuf messages, loaded without coremltools itself."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from edgepack.errors import UsageError

STAND_IN = "edgepack_coreml.format"


def messages() -> Any:
    """The module `Model_pb2` of coremltools.

    `import coremltools` takes four seconds and prints warnings; its generated messages need only protobuf. They are
    loaded as modules of a stand-in package whose folder is `coremltools/proto`; protobuf's descriptor pool makes
    their classes the very classes that coremltools uses, should it be imported later.

    Raises:
        UsageError: coremltools is not installed.
    """
    if loaded := sys.modules.get("coremltools.proto.Model_pb2"):
        return loaded
    if STAND_IN not in sys.modules:
        found = PathFinder.find_spec("coremltools")
        if found is None or not found.submodule_search_locations:
            raise UsageError("coremltools is not installed: pip install 'edgepack[coreml]'")
        package = ModuleType(STAND_IN)
        package.__path__ = [str(Path(folder) / "proto") for folder in found.submodule_search_locations]
        sys.modules[STAND_IN] = package
    return importlib.import_module(f"{STAND_IN}.Model_pb2")
