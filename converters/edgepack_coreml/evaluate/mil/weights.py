"""The weights file of an .mlpackage.

Source: mlmodel/src/MILBlob/Blob/StorageFormat.hpp and BlobDataType.hpp of apple/coremltools. A header of 64 bytes;
then, for every constant and at multiples of 64, a record of 64 bytes that says where its data is.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.types import Declared, unpacked
from edgepack_coreml.evaluate.values import Unknown

ROOT = "@model_path/"
VERSION = 2
SENTINEL = 0xDEADBEEF
ALIGNMENT = 64
HEADER = np.dtype([("count", "<u4"), ("version", "<u4")])
RECORD = np.dtype(
    [("sentinel", "<u4"), ("kind", "<u4"), ("size_bytes", "<u8"), ("offset", "<u8"), ("padding_bits", "<u8")]
)
KINDS = {
    1: "fp16", 2: "fp32", 3: "uint8", 4: "int8", 6: "int16", 7: "uint16", 8: "int4", 9: "uint1", 10: "uint2",
    11: "uint4", 12: "uint3", 13: "uint6", 14: "int32", 15: "uint32",
}  # fmt: skip


class Weights:
    """The files that constants refer to, each mapped into memory once."""

    def __init__(self, folder: Path) -> None:
        """The folder of the specification."""
        self._folder = folder
        self._files: dict[str, Array] = {}

    def read(self, name: str, offset: int, declared: Declared) -> Array:
        """The constant whose record is at an offset. Raises `Unknown` if it is not what the program declares."""
        where = f"weights {name!r} at {offset}"
        data = self._file(name)
        if offset % ALIGNMENT or not ALIGNMENT <= offset <= len(data) - ALIGNMENT:
            raise Unknown(f"{where}: is no record in a file of {len(data)} bytes")
        record = data[offset : offset + RECORD.itemsize].view(RECORD)[0]
        kind = KINDS.get(int(record["kind"]))
        start, size = int(record["offset"]), int(record["size_bytes"])
        if record["sentinel"] != SENTINEL or start + size > len(data):
            raise Unknown(f"{where}: is no record, or one of data beyond the file")
        if kind != declared.dtype or size != declared.size_bytes:
            raise Unknown(f"{where}: {size} bytes of {kind}, declared as {declared} of {declared.size_bytes} bytes")
        return unpacked(data[start : start + size], declared)

    def _file(self, name: str) -> Array:
        if name not in self._files:
            inside = PurePosixPath(name.removeprefix(ROOT))
            path = self._folder / inside
            if not name.startswith(ROOT) or inside.is_absolute() or ".." in inside.parts or not path.is_file():
                raise Unknown(f"weights {name!r}: is not a file of the package")
            if path.stat().st_size < ALIGNMENT:
                raise Unknown(f"weights {name!r}: has no header")
            data = np.memmap(path, np.uint8, "r")
            if data[: HEADER.itemsize].view(HEADER)[0]["version"] != VERSION:
                raise Unknown(f"weights {name!r}: is of another version than {VERSION}")
            self._files[name] = data
        return self._files[name]
