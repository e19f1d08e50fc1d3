"""A reference evaluator of Core ML models, from the saved file alone, in numpy.

Classic models compute in doubles, ML Programs in each tensor's own type.

It shares nothing with the writer but the protobuf messages. What the format's comments do not say is inferred, and
said so where it is done. It refuses every kind of model, field and value that it does not know.

Source: mlmodel/format/*.proto of apple/coremltools.
"""

from edgepack_coreml.evaluate.model import Evaluator, load

__all__ = ["Evaluator", "load"]
