"""A bundle of every release, as it was written and signed then, verifies and answers as it did: for ever.

`released/<version>/` holds it and the public key; the private key is gone. `keyless/` holds what an identity signed of
it, at an instance whose keys are gone, too. Add one per release, never change one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.keyless.identity import Identity
from edgepack.bundle.keys import load_public_key
from edgepack.bundle.policy import Policy
from edgepack.bundle.trusted import trusted_signers
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError
from edgepack.recheck import recheck_golden

IDENTITY = "https://github.com/acme/models/.github/workflows/export.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
RELEASED = Path(__file__).parent / "released"
BUNDLES = sorted(path.parent for path in RELEASED.glob("*/*/manifest.json"))


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: f"{folder.parent.name} {folder.name}")
def test_a_released_bundle_verifies_and_answers(folder: Path) -> None:
    key = load_public_key(folder.parent / "key.pub")
    verified = verify_bundle(folder, [key], Policy(min_version=1, expect_name="rents"))
    assert verified.manifest.tools["edgepack"] == folder.parent.name
    verdicts = {verdict.target: verdict for verdict in recheck_golden(Bundle.open(folder))}
    assert verdicts["onnx"].status == "measured"
    assert verdicts["onnx"].rows == 64
    assert {verdict.status for verdict in verdicts.values()} <= {"measured", "not run"}


@pytest.mark.parametrize("signature", ["rekor-1.sig", "rekor-2.sig"])
def test_a_released_keyless_signature_verifies_and_shuts_out_others(tmp_path: Path, signature: str) -> None:
    released = RELEASED / "0.1.0"
    shutil.copytree(released / "rents-1", tmp_path / "rents-1")
    shutil.copyfile(released / "keyless" / signature, tmp_path / "rents-1" / "model.sig")
    root = str(released / "keyless" / "trusted_root.json")
    verified = verify_bundle(tmp_path / "rents-1", trusted_signers([], IDENTITY, ISSUER, root))
    assert verified.signer.identity == Identity(name=IDENTITY, issuer=ISSUER)
    with pytest.raises(SignatureError, match="not by eve"):
        verify_bundle(tmp_path / "rents-1", trusted_signers([], "eve", ISSUER, root))


def test_golden_rows_that_were_swapped_after_the_check_are_refused(tmp_path: Path) -> None:
    shutil.copytree(RELEASED / "0.1.0" / "rents-1", tmp_path / "rents-1")
    opened = Bundle.open(tmp_path / "rents-1")
    golden = opened.path / "golden.json"
    golden.write_bytes(golden.read_bytes().replace(b"dear", b"cheap"))
    with pytest.raises(SignatureError, match=r"golden\.json: its sha256 is not the one in manifest\.json"):
        recheck_golden(opened)


def test_the_digest_of_the_first_release_is_what_it_was() -> None:
    folder = RELEASED / "0.1.0" / "rents-1"
    verified = verify_bundle(folder, [load_public_key(folder.parent / "key.pub")])
    assert verified.sha256 == "96e941d04a11182452f30cb15494be3a837dec52a70ea83a7b5c89f8edea35e5"
