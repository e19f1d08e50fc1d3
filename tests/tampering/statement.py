"""Signed statements that are not exactly edgepack's, although the right key signed them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tampering.case import Spoil, Tampering


def statement(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    """Changes the statement and signs it, with a root digest that fits."""

    def spoil(bundle: Any) -> None:
        document = json.loads(bundle.payload())
        change(document)
        bundle.sign_statement(document)

    return spoil


def payload(change: Callable[[bytes], bytes]) -> Spoil:
    """Changes the statement's bytes and signs them."""
    return lambda bundle: bundle.sign_payload(change(bundle.payload()))


def files(change: Callable[[Path], Any]) -> Spoil:
    return lambda bundle: change(bundle.folder)


def linked(folder: Path) -> None:
    (folder / "onnx/model.onnx").rename(folder.parent / "elsewhere.onnx")
    (folder / "onnx/model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def resource(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["predicate"]["resources"][0].update(changes)


def listed_too(name: str, path: str = "report.html") -> Callable[[dict[str, Any]], None]:
    """One more resource, with the digest of a file that is there."""

    def change(document: dict[str, Any]) -> None:
        resources = document["predicate"]["resources"]
        resources.append({**next(r for r in resources if r["name"] == path), "name": name})
        resources.sort(key=lambda r: r["name"])

    return change


def renamed(name: str, to: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        next(r for r in document["predicate"]["resources"] if r["name"] == name)["name"] = to
        document["predicate"]["resources"].sort(key=lambda r: r["name"])

    return change


def ignored(document: dict[str, Any]) -> list[str]:
    return document["predicate"]["serialization"]["ignore_paths"]


def both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def spoil(bundle: Any) -> None:
        first(bundle)
        second(bundle)

    return spoil


STATEMENT_MUTANTS = [
    Tampering(
        "another _type", statement(lambda d: d.update(_type="https://in-toto.io/Statement/v0.1")), "statement's type"
    ),
    Tampering(
        "another predicateType",
        statement(lambda d: d.update(predicateType="https://slsa.dev/provenance/v1")),
        "model.sig: the predicateType is",
    ),
    Tampering(
        "the predicateType of v0.2",
        statement(
            lambda d: d.update(
                predicateType="https://model_signing/Digests/v0.1",
                subject=[{"name": r["name"], "digest": {"sha256": r["digest"]}} for r in d["predicate"]["resources"]],
            )
        ),
        "model.sig: the predicateType is",
    ),
    Tampering(
        "two subjects", statement(lambda d: d["subject"].append(d["subject"][0])), "model.sig: the statement is about 2"
    ),
    Tampering("no subject", statement(lambda d: d.update(subject=[])), "model.sig: the statement is about 0 subjects"),
    Tampering(
        "another model's name",
        statement(lambda d: d["subject"][0].update(name="wine")),
        "manifest.json: holds 'house-prices', but 'wine' was signed",
    ),
    Tampering(
        "another root digest",
        payload(lambda p: p.replace(json.loads(p)["subject"][0]["digest"]["sha256"].encode(), b"0" * 64)),
        "root digest is wrong",
    ),
    Tampering("two statements", payload(lambda p: p + p), "model.sig: not strict JSON (Extra data"),
    Tampering(
        "a list of statements", payload(lambda p: b"[" + p + b"," + p + b"]"), "model.sig: signs no in-toto statement"
    ),
    Tampering(
        "a key twice in the statement",
        payload(lambda p: p.replace(b'"predicateType":', b'"predicateType":"x","predicateType":')),
        "model.sig: not strict JSON (key 'predicateType' twice",
    ),
    Tampering(
        "a digest twice in the statement",
        payload(lambda p: p.replace(b'"digest":"', b'"digest":"00","digest":"', 1)),
        "(key 'digest' twice",
    ),
    Tampering("a statement with spaces", payload(lambda p: p.replace(b",", b", ")), "not in edgepack's canonical"),
    Tampering(
        "a statement that is not UTF-8",
        payload(lambda p: p.replace(b"house-prices", b"house\xffprices")),
        "model.sig: not strict JSON",
    ),
    Tampering("a key more in the predicate", statement(lambda d: d["predicate"].update(x=1)), "canonical form"),
    Tampering("a key more in a resource", statement(resource(x=1)), "model.sig: the statement is not in"),
    Tampering("more ignore_paths", statement(lambda d: ignored(d).append("onnx")), "model.sig: ignore_paths is"),
    Tampering(
        "ignore_paths that hide a file",
        both(
            files(lambda f: (f / "onnx/hidden.bin").write_bytes(b"x")),
            statement(lambda d: ignored(d).append("onnx/hidden.bin")),
        ),
        "model.sig: ignore_paths is",
    ),
    Tampering("fewer ignore_paths", statement(lambda d: ignored(d).remove(".git")), "model.sig: ignore_paths is"),
    Tampering(
        "no ignore_paths",
        statement(lambda d: d["predicate"]["serialization"].pop("ignore_paths")),
        "model.sig: ignore_paths is None",
    ),
    Tampering(
        "links allowed",
        both(
            files(linked),
            statement(lambda d: d["predicate"]["serialization"].update(allow_symlinks=True)),
        ),
        "model.sig: allow_symlinks is True",
    ),
    Tampering(
        "0 for false",
        statement(lambda d: d["predicate"]["serialization"].update(allow_symlinks=0)),
        "model.sig: the statement is not in edgepack's canonical form",
    ),
    Tampering(
        "another hash", statement(lambda d: d["predicate"]["serialization"].update(hash_type="blake2b")), "hash_type is"
    ),
    Tampering(
        "shards",
        statement(lambda d: d["predicate"]["serialization"].update(method="shards", shard_size=1000)),
        "model.sig: method is 'shards'",
    ),
    Tampering(
        "no serialization", statement(lambda d: d["predicate"].pop("serialization")), "model.sig: method is None"
    ),
    Tampering("no resources", statement(lambda d: d["predicate"].pop("resources")), "does not cover manifest.json"),
    Tampering(
        "a resource without digest", statement(lambda d: d["predicate"]["resources"][0].pop("digest")), "resources[0]"
    ),
    Tampering("a sha512 resource", statement(resource(algorithm="sha512")), "model.sig: resources[0] is not a name"),
    Tampering(
        "a digest in capitals",
        statement(
            lambda d: d["predicate"]["resources"][0].update(digest=d["predicate"]["resources"][0]["digest"].upper())
        ),
        "model.sig: resources[0] is not a name with a sha256",
    ),
    Tampering("a file named twice", statement(listed_too("report.html")), "it names report.html: named twice"),
    Tampering(
        "a file named twice with two digests", statement(listed_too("report.html", "golden.json")), "named twice"
    ),
    Tampering(
        "two resources that differ by case",
        both(files(lambda f: shutil.copy(f / "report.html", f / "REPORT.html")), statement(listed_too("REPORT.html"))),
        "model.sig: it names report.html: differs from REPORT.html only by case",
    ),
    Tampering(
        "a name that climbs out", statement(renamed("report.html", "../report.html")), "it names '../report.html': not"
    ),
    Tampering(
        "a name with ..", statement(renamed("report.html", "onnx/../report.html")), "'onnx/../report.html': not a plain"
    ),
    Tampering("a name with .", statement(renamed("report.html", "./report.html")), "'./report.html': not a plain"),
    Tampering("a name with //", statement(renamed("onnx/model.onnx", "onnx//model.onnx")), "not a plain relative"),
    Tampering("an absolute name", statement(renamed("report.html", "/report.html")), "'/report.html': absolute"),
    Tampering(
        "a drive", statement(renamed("report.html", "C:report.html")), "'C:report.html': holds a backslash or a colon"
    ),
    Tampering(
        "a name with a backslash", statement(renamed("onnx/model.onnx", "onnx\\model.onnx")), "holds a backslash"
    ),
    Tampering("an empty name", statement(renamed("report.html", "")), "it names '': not a plain relative path"),
    Tampering("a git file named", statement(listed_too(".git/config")), "it names '.git/config': a git file"),
    Tampering("the signature named", statement(listed_too("model.sig")), "it names model.sig itself"),
    Tampering("a folder named as a file", statement(listed_too("onnx")), "onnx: changed since it was signed"),
    Tampering("a file not named", statement(lambda d: d["predicate"]["resources"].pop()), "report.html: not signed"),
    Tampering("a file that is not there", statement(listed_too("zzz.bin")), "zzz.bin: missing, though it was signed"),
    Tampering("resources in another order", statement(lambda d: d["predicate"]["resources"].reverse()), "canonical"),
]
