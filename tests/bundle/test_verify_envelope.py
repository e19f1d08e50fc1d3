"""Every single byte of a signature file counts, though the signature itself covers the payload only."""

from __future__ import annotations

from typing import Any

import pytest

from edgepack.bundle.envelope import unseal
from edgepack.errors import SignatureError


@pytest.mark.parametrize("mask", [0x01, 0x02, 0x20])
def test_every_byte_of_the_signature_counts(sealed_once: Any, mask: int) -> None:
    data = (sealed_once.folder / "model.sig").read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= mask
        with pytest.raises(SignatureError, match=r"model\.sig"):
            unseal(bytes(changed), [sealed_once.public])


@pytest.mark.parametrize("more", [b"", b" ", b"\n", b"A"])
def test_no_byte_can_be_left_out_or_put_in(sealed_once: Any, more: bytes) -> None:
    data = (sealed_once.folder / "model.sig").read_bytes()
    for place in range(len(data)):
        with pytest.raises(SignatureError, match=r"model\.sig"):
            unseal(data[:place] + more + data[place + (not more) :], [sealed_once.public])
