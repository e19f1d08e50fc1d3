"""From a MODEL string to a local, safely loaded, fitted estimator with its lineage. Only this room imports mlflow."""

from edgepack.source.loading import load
from edgepack.source.model import Fitted, Source
from edgepack.source.registry import resolve

__all__ = ["Fitted", "Source", "load", "resolve"]
