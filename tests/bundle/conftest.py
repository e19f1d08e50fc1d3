"""A small signed bundle whose artifacts are plain bytes: neither signing nor verifying loads them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from keyless import IDENTITY, ISSUER, Instance
from tampering.keyless import NOW

from edgepack.bundle.keys import generate_key, load_private_key, load_public_key
from edgepack.bundle.seal import seal_bundle
from edgepack.bundle.trusted import trusted_signers
from edgepack.bundle.verify import verify_bundle
from edgepack.contract import Artifact, Input, Interface, Verdict
from edgepack.errors import SignatureError

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PAYLOAD_TYPE = b"application/vnd.in-toto+json"

INTERFACE = Interface(
    inputs=(
        Input(name="age", kind="number", accepts_missing=True),
        Input(name="city", kind="string", categories=("Köln", "Lyon"), accepts_missing=True),
    ),
    outputs=("label", "probabilities"),
    classes=("no", "yes"),
)
COLUMNS = {
    "age": np.array([[41.5], [np.nan]]),
    "city": np.array([["Köln"], [None]], object),
}
ANSWERS = {"label": np.array(["yes", "no"], object), "probabilities": np.array([[0.25, 0.75], [0.9, 0.1]])}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBundle:
    """A bundle, the keys that fit it, and a second signer that uses `cryptography` and `json` alone."""

    folder: Path
    private: ec.EllipticCurvePrivateKey
    public: ec.EllipticCurvePublicKey
    public_path: Path

    def envelope(self) -> dict[str, Any]:
        return json.loads((self.folder / "model.sig").read_bytes())

    def write_envelope(self, document: Any) -> None:
        (self.folder / "model.sig").write_bytes(canonical(document))

    def payload(self) -> bytes:
        return base64.b64decode(self.envelope()["dsseEnvelope"]["payload"])

    def sign_payload(self, payload: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Puts a payload into the signature, signed; by another key under this one's name, if one is given."""
        pae = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(payload), payload)
        r, s = decode_dss_signature((key or self.private).sign(pae, ec.ECDSA(hashes.SHA256())))
        signature = encode_dss_signature(r, min(s, P256_ORDER - s))
        document = self.envelope()
        document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        document["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        self.write_envelope(document)

    def sign_statement(self, statement: dict[str, Any]) -> None:
        """Signs a statement with a root digest that fits, as far as it has one."""
        with contextlib.suppress(LookupError, TypeError, ValueError):
            digests = [bytes.fromhex(resource["digest"]) for resource in statement["predicate"]["resources"]]
            statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(b"".join(digests)).hexdigest()
        self.sign_payload(canonical(statement))

    def sign_files(self) -> None:
        """Signs the files as they are now, whatever they hold."""
        statement = json.loads(self.payload())
        names = sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())
        digests = {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in names}
        statement["predicate"]["resources"] = [
            {"name": name, "algorithm": "sha256", "digest": digests[name]} for name in names if name != "model.sig"
        ]
        self.sign_statement(statement)

    def is_refused(self, says: str) -> None:
        """Fails unless verification refuses the bundle, on one line that says this."""
        with pytest.raises(SignatureError) as caught:
            verify_bundle(self.folder, [self.public])
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)

    def oracle_accepts(self) -> bool:
        """Whether model_signing, an independent verifier of the same format, accepts the bundle."""
        from model_signing import verifying

        config = verifying.Config().use_elliptic_key_verifier(public_key=self.public_path)
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                config.verify(self.folder, self.folder / "model.sig")
            except Exception:
                return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessBundle(SignedBundle):
    """A bundle that an identity signed, the sigstore instance that certified it, and the trust configuration's file."""

    instance: Instance
    trust: Path

    def trusted(self) -> list[Any]:
        return list(trusted_signers([], IDENTITY, ISSUER, str(self.trust)))

    def sign_payload(self, payload: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.write_envelope(self.instance.bundle(payload, at=NOW, key=key))

    def is_refused(self, says: str) -> None:
        with pytest.raises(SignatureError) as caught:
            verify_bundle(self.folder, self.trusted())
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)

    def oracle_accepts(self) -> bool:
        from model_signing import verifying

        config = verifying.Config().use_sigstore_verifier(
            identity=IDENTITY, oidc_issuer=ISSUER, trust_config=self.trust
        )
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                config.verify(self.folder, self.folder / "model.sig")
            except Exception:
                return False
        return True


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory) -> SignedBundle:
    work = tmp_path_factory.mktemp("sealed")
    private_path, public_path = generate_key(work / "key.pem")
    model = work / "emitted" / "model.onnx"
    package = work / "emitted" / "HousePrices.mlpackage"
    (package / "Data" / "com.example").mkdir(parents=True)
    model.write_bytes(bytes(range(256)) * 8)
    (package / "Manifest.json").write_text('{"fileFormatVersion": "1.0.0"}')
    (package / "Data" / "com.example" / "model.mlmodel").write_bytes(b"\x08\x01" * 50)
    seal_bundle(
        work / "house-prices-3",
        name="house-prices",
        version=3,
        interface=INTERFACE,
        uri="models:/house-prices@champion",
        lineage={"run": {"run_id": "0f3a", "metrics": {"auc": 0.91}}},
        lineage_mode="full",
        artifacts=[
            Artifact(target="onnx", path=model, format="ONNX opset 17", min_runtime="onnxruntime 1.20"),
            Artifact(target="coreml", path=package, format="Core ML 4", min_runtime="iOS 13", notes=("folder",)),
        ],
        columns=COLUMNS,
        answers=ANSWERS,
        verdicts=[Verdict(target="onnx", runtime="onnxruntime 1.32.0", status="measured", rows=2)],
        tools={"scikit-learn": "1.9.1"},
        documents={"report.html": lambda manifest: f"<title>{manifest.name}</title>".encode()},
        key=load_private_key(private_path),
    )
    return SignedBundle(
        folder=work / "house-prices-3",
        private=load_private_key(private_path),
        public=load_public_key(public_path),
        public_path=public_path,
    )


@pytest.fixture
def signed(sealed_once: SignedBundle, tmp_path: Path) -> SignedBundle:
    """A copy that a test may spoil."""
    folder = tmp_path / "house-prices-3"
    shutil.copytree(sealed_once.folder, folder)
    return SignedBundle(
        folder=folder, private=sealed_once.private, public=sealed_once.public, public_path=sealed_once.public_path
    )


@pytest.fixture
def instance() -> Instance:
    return Instance()


@pytest.fixture
def keyless(signed: SignedBundle, instance: Instance, tmp_path: Path) -> KeylessBundle:
    """A copy that a test may spoil, signed by an identity at `NOW`."""
    trust = tmp_path / "trust.json"
    trust.write_bytes(canonical(instance.trust_config()))
    bundle = KeylessBundle(
        folder=signed.folder,
        private=signed.private,
        public=signed.public,
        public_path=signed.public_path,
        instance=instance,
        trust=trust,
    )
    bundle.sign_payload(signed.payload())
    return bundle
