"""A server that plays an instance: an issuer of tokens for CI jobs, Fulcio, Rekor (1 and 2), and timestamps."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from keyless.instance import IDENTITY, ISSUER, PAYLOAD_TYPE, Instance, pae

SECRET = "the issuer's secret, which only it and this Fulcio know"


def token(*, secret: str = SECRET, age_s: int = 0, **claims: Any) -> str:
    """An identity token of a GitHub job, as its issuer gives one for ten minutes."""
    now = int(datetime.now(UTC).timestamp()) - age_s
    told = {
        "iss": ISSUER,
        "sub": "repo:acme/models:ref:refs/heads/main",
        "aud": "sigstore",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "job_workflow_ref": IDENTITY.removeprefix("https://github.com/"),
    }
    return jwt.encode({**told, **claims}, secret, "HS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server.

    Attributes:
        asked: the paths so far.
        faults: a status to answer a path with, or a function that spoils what it would have answered.
    """

    url: str
    instance: Instance
    asked: list[str] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)


@contextmanager
def serving(instance: Instance) -> Iterator[Server]:
    """A server on a free port, until the end of the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server = Server(url=f"http://127.0.0.1:{http.server_port}", instance=instance)
    http.played = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _answer(self, body: bytes | None) -> None:
        server: Server = self.server.played  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        server.asked.append(path)
        fault = server.faults.get(path)
        status, document = (fault, {}) if isinstance(fault, int) else self._made(server.instance, path, body)
        document = fault(document) if callable(fault) else document
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        with suppress(BrokenPipeError):  # of a client that did not wait
            self.end_headers()
            self.wfile.write(data)

    def _made(self, instance: Instance, path: str, body: bytes | None) -> tuple[int, Any]:
        if path == "/timestamp":
            return 201, instance.clock.answer(body or b"")
        match path, json.loads(body or b"{}"):
            case "/token", _:
                return (200, {"value": token()}) if self.headers["Authorization"] == "bearer job" else (403, {})
            case "/api/v2/signingCert", {"certificateSigningRequest": request}:
                try:
                    words = self.headers["Authorization"].removeprefix("Bearer ")
                    claims = jwt.decode(words, SECRET, ["HS256"], audience="sigstore")
                except jwt.InvalidTokenError:
                    return 401, {}
                return 201, _certified(instance, request, claims)
            case "/api/v1/log/entries", {"kind": "dsse", "spec": {"proposedContent": proposed}}:
                return 201, _logged(instance, proposed)
            case "/api/v2/log/entries", {"hashedRekordRequestV002": proposed}:
                return 201, _logged_v2(instance, proposed)
        return 404, {}


def _certified(instance: Instance, request: str, claims: Any) -> Any:
    asked = x509.load_pem_x509_csr(base64.b64decode(request))
    assert asked.is_signature_valid
    key: Any = asked.public_key()
    name = x509.UniformResourceIdentifier(f"https://github.com/{claims['job_workflow_ref']}")
    now = datetime.now(UTC).replace(microsecond=0)
    leaf = instance.certificate(key, at=now, names=(name,), issuer=claims["iss"])
    chain = [leaf, instance.authority(), instance.root()]
    return {
        "signedCertificateEmbeddedSct": {
            "chain": {"certificates": [c.public_bytes(Encoding.PEM).decode() for c in chain]}
        }
    }


def _logged(instance: Instance, proposed: Any) -> Any:
    """Rekor v1's answer; it too verifies what it takes in."""
    envelope = json.loads(proposed["envelope"])
    (verifier,), (signature,) = proposed["verifiers"], envelope["signatures"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(verifier))
    payload, sig = base64.b64decode(envelope["payload"]), base64.b64decode(signature["sig"])
    assert envelope["payloadType"] == PAYLOAD_TYPE
    _key(certificate).verify(sig, pae(payload), ec.ECDSA(hashes.SHA256()))
    entry = instance.logged(certificate, payload, sig, datetime.now(UTC))
    proof = entry["inclusionProof"]
    told = {
        "body": entry["canonicalizedBody"],
        "integratedTime": int(entry["integratedTime"]),
        "logID": _hex(entry["logId"]["keyId"]),
        "logIndex": int(entry["logIndex"]),
        "verification": {
            "inclusionProof": {
                "checkpoint": proof["checkpoint"]["envelope"],
                "hashes": [_hex(node) for node in proof["hashes"]],
                "logIndex": int(proof["logIndex"]),
                "rootHash": _hex(proof["rootHash"]),
                "treeSize": int(proof["treeSize"]),
            },
            "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        },
    }
    return {"24296fb24b8ad77a": told}


def _logged_v2(instance: Instance, proposed: Any) -> Any:
    """Rekor v2's answer, as one that writes out what is not there."""
    verifier = proposed["signature"]["verifier"]["x509Certificate"]["rawBytes"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(verifier))
    digest, signature = base64.b64decode(proposed["digest"]), base64.b64decode(proposed["signature"]["content"])
    _key(certificate).verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return {**instance.logged_v2(certificate, digest, signature), "integratedTime": "0", "inclusionPromise": None}


def _key(certificate: x509.Certificate) -> Any:
    return certificate.public_key()


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()
