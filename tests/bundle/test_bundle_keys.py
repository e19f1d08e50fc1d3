"""Keys are made once, readable by their owner only, and told apart by one-line errors."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from edgepack.bundle.keys import generate_key, load_private_key, load_public_key
from edgepack.errors import UsageError


def private_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("password", [None, "geheim ü"])
def test_a_new_key_loads_and_its_halves_fit(tmp_path: Path, password: str | None) -> None:
    private_path, public_path = generate_key(tmp_path / "key.pem", password)
    assert (private_path, public_path) == (tmp_path / "key.pem", tmp_path / "key.pub")
    assert stat.S_IMODE(private_path.stat().st_mode) == 0o600
    assert private_path.read_text().startswith(f"-----BEGIN {'ENCRYPTED ' if password else ''}PRIVATE KEY-----")
    key = load_private_key(private_path, password)
    assert isinstance(key.curve, ec.SECP256R1)
    assert key.public_key() == load_public_key(public_path)


@pytest.mark.parametrize("taken", ["key.pem", "key.pub"])
def test_no_key_is_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(UsageError, match=f"{taken}: exists, and keys are never overwritten"):
        generate_key(tmp_path / "key.pem")
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_no_key_is_written_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"key\.pem: exists"):
        generate_key(tmp_path / "key.pem")


@pytest.mark.parametrize(("name", "says"), [("key.pub", "named like a public key"), ("no/key.pem", "no such folder")])
def test_a_key_without_a_place_is_refused(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        generate_key(tmp_path / name)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_the_larger_curves_load(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    (tmp_path / "key.pem").write_bytes(private_pem(key))
    (tmp_path / "key.pub").write_bytes(public_pem(key))
    assert load_private_key(tmp_path / "key.pem").public_key() == load_public_key(tmp_path / "key.pub")


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["secp256k1", "ed25519", "rsa"],
)
def test_other_kinds_of_key_are_refused(tmp_path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path = tmp_path / "key.pem"
    for write, load in ((private_pem, load_private_key), (public_pem, load_public_key)):
        path.write_bytes(write(key))
        with pytest.raises(UsageError, match=r"key\.pem: not ECDSA on P-256, P-384 or P-521"):
            load(path)


def test_wrong_files_are_told_apart(tmp_path: Path) -> None:
    private_path, public_path = generate_key(tmp_path / "key.pem")
    locked_path, _ = generate_key(tmp_path / "locked.pem", "geheim")
    (tmp_path / "text").write_text("hello")
    cases = [
        (lambda: load_private_key(public_path), "key.pub: not a private key in PEM; give the private one"),
        (lambda: load_public_key(private_path), "key.pem: not a public key in PEM; give the .pub beside it"),
        (lambda: load_private_key(tmp_path / "text"), "text: not a private key in PEM; make one"),
        (lambda: load_public_key(tmp_path / "text"), "text: not a public key in PEM"),
        (lambda: load_private_key(tmp_path / "none"), "none: cannot be read (No such file"),
        (lambda: load_public_key(tmp_path), "cannot be read (Is a directory)"),
        (lambda: load_private_key(locked_path), "locked.pem: the password does not fit: it needs one"),
        (lambda: load_private_key(locked_path, "falsch"), "locked.pem: the password does not open it"),
        (lambda: load_private_key(private_path, "geheim"), "key.pem: the password does not fit: it has none"),
    ]
    for load, says in cases:
        with pytest.raises(UsageError) as caught:
            load()
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
