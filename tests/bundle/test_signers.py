"""A key is found by its URI, signs the same bundle from wherever it lives, and says on one line why it cannot.

The token's tests run where SoftHSM and python-pkcs11 are installed (`apt install softhsm2`, `pip install
python-pkcs11`); elsewhere they say that they did not.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.envelope import seal, unseal
from edgepack.bundle.keys import generate_key, key_id, load_public_key
from edgepack.bundle.sign import sign_bundle
from edgepack.bundle.signers import RemoteKey, open_signing_key
from edgepack.bundle.trusted import Signer
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import UsageError

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so")  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}", "env"])
@pytest.mark.parametrize("password", [None, "secret"])
def test_a_key_in_pem_is_found(tmp_path: Path, monkeypatch: Any, form: str, password: str | None) -> None:
    private, public = generate_key(tmp_path / "key.pem", password)
    monkeypatch.setenv("SIGNING_KEY", private.read_text())
    uri = "env:SIGNING_KEY" if form == "env" else form.format(private)
    key = open_signing_key(uri, password)
    assert unseal(seal(b"{}", key), [load_public_key(public)]) == (b"{}", Signer(key=key_id(load_public_key(public))))


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("nowhere.pem", "nowhere.pem: cannot be read"),
        ("file:nowhere.pem", "nowhere.pem: cannot be read"),
        ("env:NOT_SET_HERE", "env:NOT_SET_HERE: NOT_SET_HERE is not set"),
        ("env:HOME", "env:HOME: not a private key in PEM"),
        ("ftp:key", "ftp:key: no such kind of key; give a PEM file, env:, pkcs11:, sigstore: or one of awskms, "),
        ("gnupg:key", "gnupg:key: no such kind of key"),
        ("gcpkms:projects/p", "gcpkms:projects/p: its public key is needed too; give it with --sign-public"),
        ("pkcs11:token=x", "names no module-path; write pkcs11:token=LABEL;id=%02"),
        ("pkcs11:token=x?module-path=/x.so", "names no id"),
        ("pkcs11:object=x;id=%02?module-path=/x.so", "'object' is not understood"),
    ],
)
def test_a_key_that_is_not_there_is_one_line(monkeypatch: Any, uri: str, says: str) -> None:
    monkeypatch.delenv("PYKCS11LIB", raising=False)
    with pytest.raises(UsageError) as told:
        open_signing_key(uri)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_a_cloud_key_without_its_library_is_one_line(tmp_path: Path) -> None:
    if importlib.util.find_spec("google.cloud.kms" if importlib.util.find_spec("google.cloud") else "no_such"):
        pytest.skip("google-cloud-kms is installed: its absence was NOT tested")
    _, public = generate_key(tmp_path / "key.pem")
    with pytest.raises(UsageError, match=r"gcpkms:projects/p: .*install it beside edgepack") as told:
        open_signing_key("gcpkms:projects/p", public=public)
    assert "\n" not in str(told.value)


class Elsewhere:
    """A signer of securesystemslib's form, with a key in memory."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        from securesystemslib.signer import CryptoSigner, SSlibKey

        self.signer = CryptoSigner(key, SSlibKey.from_crypto(key.public_key(), key_id(key.public_key())))

    def sign(self, data: bytes) -> Any:
        return self.signer.sign(data)


class Broken:
    def sign(self, data: bytes) -> Any:
        raise ConnectionError("no route\nto host")


def test_a_remote_key_signs_and_is_checked_against_its_public_key(signed: Any) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    remote: Any = Elsewhere(key)
    sign_bundle(signed.folder, RemoteKey(uri="kms:1", public=key.public_key(), signer=remote))
    verify_bundle(signed.folder, [key.public_key()])
    with pytest.raises(UsageError, match="kms:1: signs with another key than the public one"):
        sign_bundle(signed.folder, RemoteKey(uri="kms:1", public=other.public_key(), signer=remote))
    broken: Any = Broken()
    with pytest.raises(UsageError, match=r"kms:1: the key cannot be used \(ConnectionError no route to host\)"):
        sign_bundle(signed.folder, RemoteKey(uri="kms:1", public=key.public_key(), signer=broken))
    verify_bundle(signed.folder, [key.public_key()])  # the signature that was there is there still


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The URI of a P-256 key on a SoftHSM token with PIN 1234."""
    library = next((path for path in LIBRARIES if Path(path).is_file()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed: keys on a token were NOT tested")
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed: keys on a token were NOT tested")
    work = tmp_path_factory.mktemp("softhsm")
    (work / "tokens").mkdir()
    (work / "softhsm2.conf").write_text(f"directories.tokendir = {work / 'tokens'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(work / "softhsm2.conf"))
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "edge pack", "--pin", "1234", "--so-pin", "5678"],
            check=True,
            capture_output=True,
        )
        with pkcs11.lib(library).get_token(token_label="edge pack").open(user_pin="1234", rw=True) as session:
            parameters = pkcs11.util.ec.encode_named_curve_parameters("secp256r1")
            curve = session.create_domain_parameters(
                pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: parameters}, local=True
            )
            curve.generate_keypair(store=True, label="signing", id=b"\x07")
        yield f"pkcs11:token=edge%20pack;id=%07?module-path={library}"


def test_a_key_on_a_token_signs(token: str, signed: Any) -> None:
    key = open_signing_key(token, "1234")
    sign_bundle(signed.folder, key)
    verify_bundle(signed.folder, [key.public_key()])


@pytest.mark.parametrize(
    ("change", "pin", "says"),
    [
        (("", ""), "0000", "PinIncorrect"),
        (("", ""), None, "it asks for a PIN"),
        (("%07", "%08"), "1234", "could not find ECDSA key"),
        (("edge%20pack", "other"), "1234", "No PKCS#11 token found for label other"),
        (("libsofthsm2", "nowhere"), "1234", "nowhere.so"),
    ],
)
def test_a_token_that_does_not_sign_is_one_line(token: str, signed: Any, change: Any, pin: Any, says: str) -> None:
    with pytest.raises(UsageError) as told:
        sign_bundle(signed.folder, open_signing_key(token.replace(*change), pin))
    assert says in str(told.value)
    assert "\n" not in str(told.value)
