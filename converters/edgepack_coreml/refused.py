"""What Core ML's classic models cannot say."""

from __future__ import annotations


class Refused(Exception):
    """A step that has no stage: why, and what to do instead."""

    def __init__(self, reason: str, remedy: str = "use the onnx target") -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy
