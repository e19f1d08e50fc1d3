"""The tamper table: ways to spoil a signed bundle, each of which every verifier of edgepack's must refuse.

What `model_signing` accepts of them is listed by name in `LETS_THROUGH`, what it waits on for ever in `HANGS`.
"""

from __future__ import annotations

from tampering.envelope import ENVELOPE_MUTANTS
from tampering.folder import FOLDER_MUTANTS, SIGNED_MUTANTS
from tampering.lets_through import HANGS, LETS_THROUGH
from tampering.statement import STATEMENT_MUTANTS

__all__ = ["HANGS", "LETS_THROUGH", "TABLE"]

TABLE = (*FOLDER_MUTANTS, *SIGNED_MUTANTS, *ENVELOPE_MUTANTS, *STATEMENT_MUTANTS)
