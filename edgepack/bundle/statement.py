"""The OMS v1.0 statement: the one text that says which files a bundle holds, written and read strictly.

Source: OpenSSF Model Signing v1.0 (https://github.com/ossf/model-signing-spec), in-toto Statement v1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from edgepack.bundle.files import MANIFEST, SIGNATURE, clashes, told, unsafe_name
from edgepack.bundle.signature import refused
from edgepack.bundle.strict_json import canonical, parse
from edgepack.errors import SignatureError

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_SERIALIZATION: Mapping[str, Any] = {
    "method": "files",
    "hash_type": "sha256",
    "allow_symlinks": False,
    # What model_signing skips whether it is listed or not. A bundle may hold none of them but the signature.
    "ignore_paths": [".git", ".gitattributes", ".github", ".gitignore", SIGNATURE],
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def statement(name: str, files: Mapping[str, str]) -> bytes:
    """The statement about the model `name` whose files have these SHA-256; the same for the same arguments.

    Round trip: `read_statement(statement(name, files)) == (name, files)`.
    """
    resources = [{"name": path, "algorithm": "sha256", "digest": files[path]} for path in sorted(files)]
    return canonical(
        {
            "_type": _STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": root_sha256(files)}}],
            "predicateType": _PREDICATE,
            "predicate": {"serialization": _SERIALIZATION, "resources": resources},
        }
    )


def root_sha256(files: Mapping[str, str]) -> str:
    """The digest of a whole bundle: SHA-256 over those of its files, in the order of their names."""
    return hashlib.sha256(b"".join(bytes.fromhex(files[path]) for path in sorted(files))).hexdigest()


def read_statement(payload: bytes) -> tuple[str, dict[str, str]]:
    """The model's name and the SHA-256 of every file, by path, that a statement vouches for.

    Raises:
        SignatureError: anything but the very bytes that `statement` would write.
    """
    match parse(payload, SIGNATURE):
        case {"_type": kind, "subject": list(subjects), "predicateType": predicate, "predicate": dict(body)}:
            pass
        case _:
            raise SignatureError(f"{SIGNATURE}: signs no in-toto statement; get the bundle again")
    if kind != _STATEMENT:
        raise refused(f"the statement's type is {kind!r:.80}, not {_STATEMENT}")
    if predicate != _PREDICATE:
        raise refused(f"the predicateType is {predicate!r:.80}, not {_PREDICATE}")
    match subjects:
        case [{"name": str(name), "digest": {"sha256": str()}}]:
            pass
        case _:
            raise refused(f"the statement is about {len(subjects)} subjects, not one with a name and sha256")
    _check_serialization(body.get("serialization"))
    files = _files(body.get("resources"))
    if statement(name, files) != payload:
        raise refused("the statement is not in edgepack's canonical form, or its root digest is wrong")
    return name, files


def _check_serialization(found: Any) -> None:
    found = found if isinstance(found, dict) else {}
    for key, wanted in _SERIALIZATION.items():
        if (value := found.get(key)) != wanted:
            raise refused(f"{key} is {value!r:.120}, not {wanted!r}")


def _files(resources: Any) -> dict[str, str]:
    files: dict[str, str] = {}
    names, problems = [], []
    for i, resource in enumerate(resources if isinstance(resources, list) else []):
        match resource:
            case {"name": str(name), "algorithm": "sha256", "digest": str(digest)} if _SHA256.fullmatch(digest):
                names.append(name)
                files[name] = digest
                if reason := unsafe_name(name):
                    problems.append(f"it names {name!r}: {reason}")
            case _:
                problems.append(f"resources[{i}] is not a name with a sha256")
    problems += [f"it names {clash}" for clash in clashes(names)]
    if SIGNATURE in files:
        problems.append(f"it names {SIGNATURE} itself")
    if MANIFEST not in files:
        problems.append(f"it does not cover {MANIFEST}")
    if problems:
        raise refused(told(problems))
    return files
