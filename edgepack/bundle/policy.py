"""What a verifier asks of a bundle beyond its signature: which model, how old at most, not revoked, not expired."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgepack.bundle.files import MANIFEST, SIGNATURE
from edgepack.bundle.manifest import Manifest
from edgepack.errors import SignatureError, UsageError

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is welcome here.

    Attributes:
        min_version: the oldest version that is; guards against an old bundle sent again.
        expect_name: the model's name; guards against another model under the same key.
        revoked: SHA-256 of keys, bundles and files that are not welcome any more, as `read_revoked` returns them.
        must_expire: whether a bundle without an expiry is refused too. An expired one always is.
        now_utc: the moment that expiry is judged at, `YYYY-MM-DDTHH:MM:SSZ`; the clock's, if not given.
    """

    min_version: int | None = None
    expect_name: str | None = None
    revoked: frozenset[str] = frozenset()
    must_expire: bool = False
    now_utc: str | None = None

    def check_signer(self, key: str) -> None:
        """Returns if the key, named by its SHA-256, is not revoked. Raises `SignatureError`."""
        if key in self.revoked:
            raise SignatureError(f"{SIGNATURE}: key {key[:16]} is revoked; get a bundle signed by another key")

    def check_bundle(self, manifest: Manifest, sha256: str, files: Mapping[str, str]) -> None:
        """Returns if a bundle that is as it was signed is also welcome.

        Args:
            sha256: the bundle's own digest.
            files: the digest of every signed file, by name.

        Raises:
            SignatureError: it is not; the message says what was asked for.
        """
        for problem in self._problems(manifest, sha256, files):
            raise SignatureError(problem)

    def _problems(self, manifest: Manifest, sha256: str, files: Mapping[str, str]) -> Iterable[str]:
        if sha256 in self.revoked:
            yield f"{SIGNATURE}: the bundle {sha256[:16]} is revoked; get another one"
        for name, digest in files.items():
            if digest in self.revoked:
                yield f"{name}: revoked by its sha256 {digest[:16]}; get a bundle without it"
        if self.expect_name is not None and manifest.name != self.expect_name:
            yield f"{MANIFEST}: holds {manifest.name!r}, not {self.expect_name!r}; get the right bundle"
        if self.min_version is not None and (manifest.version is None or manifest.version < self.min_version):
            version = "no version" if manifest.version is None else f"version {manifest.version}"
            yield f"{MANIFEST}: holds {version}, older than {self.min_version}; get a newer bundle"
        now = self.now_utc or datetime.now(UTC).strftime(_TIME)
        if manifest.expires_utc is None:
            if self.must_expire:
                yield f"{MANIFEST}: holds no expiry, though one is asked for; export with --expires"
        elif manifest.expires_utc <= now:
            yield f"{MANIFEST}: expired at {manifest.expires_utc}, now it is {now}; get a newer bundle"


def read_revoked(path: Path) -> frozenset[str]:
    """The SHA-256 that a revocation list holds: one a line, of a key, a bundle or a file.

    What follows the digest on its line, and lines that begin with `#`, are for readers.

    Raises:
        UsageError: unreadable, or a line without a digest: a list that is half understood would let revoked ones in.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); give a text file, one SHA-256 a line") from error
    revoked = set()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word = line.split()[0].lower()
        if not re.fullmatch(r"[0-9a-f]{64}", word):
            raise UsageError(f"{path}:{number}: {word[:80]!r} is no SHA-256; write 64 hex digits, or # before a remark")
        revoked.add(word)
    return frozenset(revoked)


def moment(text: str, *, now: datetime | None = None) -> str:
    """The moment that a user names, as a manifest writes it: `2027-01-31T12:00:00Z`.

    Args:
        text: a moment like that one, a date (its first second, UTC), or a time from now on: `90d`, `12h`.

    Raises:
        UsageError: none of these.
    """
    if found := re.fullmatch(r"([0-9]{1,5})([dh])", text):
        span = timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
        return ((now or datetime.now(UTC)) + span).strftime(_TIME)
    for form in (_TIME, "%Y-%m-%d"):
        try:
            parsed = datetime.strptime(text, form)
        except ValueError:
            continue
        return f"{parsed:%Y-%m-%dT%H:%M:%SZ}" if parsed.year >= 1970 else text
    raise UsageError(f"{text!r} is no moment; write YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ or a time from now on such as 90d")


def coming(text: str, *, now: datetime | None = None) -> str:
    """A `moment` that lies ahead, as an expiry has to. Raises `UsageError`."""
    now = now or datetime.now(UTC)
    found = moment(text, now=now)
    if found <= now.strftime(_TIME):
        raise UsageError(
            f"{text}: {found} is past, so that every verifier would refuse the bundle; give a later moment"
        )
    return found
