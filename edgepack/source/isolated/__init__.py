"""A model in an environment of its own: read there, and answering from there; only plain data comes back.

A pickle, or a file of another scikit-learn, is never read by this process. A worker (`inside/`) reads it, in the
environment that the model recorded or in a copy of this one, confined to one folder. It sends the fitted state back as
names, numbers and arrays (`inside/flatten.py`), out of which `rebuild` makes estimators of the installed scikit-learn,
with what has changed between the versions put right (`changes`). Those are what is lowered. The answers that artifacts
are compared with come from the worker: what `changes` does not know shows up as a difference, never as a wrong file.
"""

from edgepack.source.isolated.load import read_estimator, start_worker

__all__ = ["read_estimator", "start_worker"]
