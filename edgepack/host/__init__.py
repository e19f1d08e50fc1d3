"""What an app does by itself before it asks a model: the steps that no mobile runtime has ops for."""

from edgepack.host.text import Analyzer, TextStep

__all__ = ["Analyzer", "TextStep"]
