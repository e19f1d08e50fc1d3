"""The intermediate representation: a typed SSA graph of about twenty ops with scikit-learn's meaning."""

from edgepack.ir.program import Node, Program
from edgepack.ir.text import to_text
from edgepack.ir.types import Type, TypeMismatch

__all__ = ["Node", "Program", "Type", "TypeMismatch", "to_text"]
