"""JSON without its ambiguities: what is written reads back to the same bits, what could be read two ways is refused.

A float that JSON has no literal for is an object: `{"float": "nan"}`, `{"float": "inf"}` or `{"float": "-inf"}`.

Round trip: `with_floats(parse(pretty(plain(x)), …)) == x` for every `x` made of `None`, bools, ints, floats (to the
bit; there is one NaN), text, lists and mappings by text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgepack.errors import SignatureError, UsageError

_NON_FINITE: Mapping[str, float] = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class _Refused(ValueError):
    """Why a text is not strict JSON."""


def plain(value: Any, at: str) -> Any:
    """The value as JSON knows it: numpy unwrapped, tuples as lists, NaN and infinities as `{"float": …}`.

    Raises:
        UsageError: the value, or something in it, has no JSON form; `at` says where it stands.
    """
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        value = value.tolist()
    match value:
        case None | bool() | int():
            return value
        case float():
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        case str() if not _has_surrogate(value):
            return str(value)
        case Mapping() if not _stands_for_float(value) and all(isinstance(key, str) for key in value):
            return {plain(key, at): plain(item, f"{at}.{key}") for key, item in value.items()}
        case Sequence() if not isinstance(value, str | bytes | bytearray):
            return [plain(item, f"{at}[{i}]") for i, item in enumerate(value)]
    raise UsageError(f"{at}: {value!r:.80} has no JSON form here; pass text, numbers, lists or mappings by text")


def with_floats(value: Any) -> Any:
    """The value with every `{"float": …}` replaced by the float that it stands for."""
    match value:
        case dict() if _stands_for_float(value):
            return _NON_FINITE[value["float"]]
        case dict():
            return {key: with_floats(item) for key, item in value.items()}
        case list():
            return [with_floats(item) for item in value]
    return value


def pretty(document: Any) -> bytes:
    """The document as a person reads it: indented, in the order given, UTF-8, a newline at the end."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def canonical(document: Any) -> bytes:
    """The one form of a document: keys sorted, no spaces, UTF-8; equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse(data: bytes, source: str) -> Any:
    """What the text says, if it can be read in one way only; `source` names the file in an error.

    Raises:
        SignatureError: not UTF-8 or not JSON, a key twice in one object, NaN or Infinity, a number too large for a
            double, half of a surrogate pair.
    """
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
        _refuse_surrogates(document)
    except RecursionError:
        raise SignatureError(f"{source}: not strict JSON (nested too deep); get the bundle again") from None
    except ValueError as error:
        raise SignatureError(f"{source}: not strict JSON ({error}); get the bundle again") from error
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Refused(f"key {next(key for key in keys if keys.count(key) > 1)!r} twice in one object")
    return result


def _constant(literal: str) -> Any:
    raise _Refused(f"{literal} is not JSON")


def _float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise _Refused(f"{literal[:40]} does not fit a double")
    return value


def _stands_for_float(value: Mapping[Any, Any]) -> bool:
    return len(value) == 1 and isinstance(word := value.get("float"), str) and word in _NON_FINITE


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False


def _refuse_surrogates(value: Any) -> None:
    match value:
        case str() if _has_surrogate(value):
            raise _Refused(f"{value!r:.80} holds half of a surrogate pair")
        case dict():
            for key, item in value.items():
                _refuse_surrogates(key)
                _refuse_surrogates(item)
        case list():
            for item in value:
                _refuse_surrogates(item)
