"""The ops: each a frozen dataclass of fitted arrays, with its float64 numpy meaning beside it."""

from edgepack.ir.ops.arithmetic import Binary, Constant, Power, Reduce, Where
from edgepack.ir.ops.block import OnnxBlock
from edgepack.ir.ops.category import Lookup, OneHot
from edgepack.ir.ops.coupling import Coupling
from edgepack.ir.ops.decide import ArgMax, Label, Step
from edgepack.ir.ops.elementwise import Affine, Clip, Elementwise, Single
from edgepack.ir.ops.forest import Forest
from edgepack.ir.ops.integer import IntegerLinear
from edgepack.ir.ops.linear import Linear, Sum
from edgepack.ir.ops.links import Complement, Normalize, Sigmoid, Softmax
from edgepack.ir.ops.missing import Impute, Indicate
from edgepack.ir.ops.neighbors import Distances, Nearest, WeightedMedian
from edgepack.ir.ops.op import Op
from edgepack.ir.ops.piecewise import Bucket, Piecewise
from edgepack.ir.ops.shape import Concat, Select
from edgepack.ir.ops.text import Count

__all__ = [
    "Affine",
    "ArgMax",
    "Binary",
    "Bucket",
    "Clip",
    "Complement",
    "Concat",
    "Constant",
    "Count",
    "Coupling",
    "Distances",
    "Elementwise",
    "Forest",
    "Impute",
    "Indicate",
    "IntegerLinear",
    "Label",
    "Linear",
    "Lookup",
    "Nearest",
    "Normalize",
    "OneHot",
    "OnnxBlock",
    "Op",
    "Piecewise",
    "Power",
    "Reduce",
    "Select",
    "Sigmoid",
    "Single",
    "Softmax",
    "Step",
    "Sum",
    "WeightedMedian",
    "Where",
]
