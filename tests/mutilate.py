"""Damaged copies of a file: what a disk, a network or an enemy makes of it."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def mutilated(draw: st.DrawFn, data: bytes, most: int = 4) -> bytes:
    """The data with up to `most` bytes changed, runs cut out, doubled or overwritten, or its end cut off."""
    damaged = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        if not damaged:
            break
        at = draw(st.integers(0, len(damaged) - 1))
        end = min(len(damaged), at + draw(st.sampled_from([1, 1, 2, 4, 8, 64])))
        match draw(st.sampled_from(["set", "flip", "cut", "double", "fill", "truncate"])):
            case "set":
                damaged[at] = draw(st.sampled_from([0, 1, 0x22, 0x2C, 0x5B, 0x7B, 0x7F, 0x80, 0xFF]))
            case "flip":
                damaged[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del damaged[at:end]
            case "double":
                damaged[at:at] = damaged[at:end]
            case "fill":
                damaged[at:end] = bytes([draw(st.sampled_from([0x00, 0x30, 0xFF]))]) * (end - at)
            case "truncate":
                del damaged[at:]
    return bytes(damaged)
