"""Runtimes beside the installed one: another ONNX Runtime, Node, a browser, another processor; each in a process."""

from edgepack.runtimes.session import ProcessSession, start
from edgepack.runtimes.spec import Spec

__all__ = ["ProcessSession", "Spec", "start"]
