"""Takes from this process, for good, whatever a model has no need of: files, network, other processes.

Landlock leaves it one folder to write in and a few to read; seccomp denies sockets, new processes, signals, looks into
other processes, and what Landlock does not see (modes, owners, times, extended attributes). Neither needs privileges.

Source: Linux's `Documentation/userspace-api/landlock.rst` and `seccomp_filter.rst`.
"""

from __future__ import annotations

import ctypes
import os
import platform
import stat
import struct
import sys
from collections.abc import Sequence
from typing import Any

LANDLOCK_ABI = 3
"""The first that sees files cut short (Linux 6.2)."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_NO_NEW_PRIVS, _SET_SECCOMP, _DIE_WITH_PARENT = 38, 22, 1
_READ = 0b1100  # files, folders
_EVERYTHING_BY_ABI = {3: (1 << 15) - 1, 5: (1 << 16) - 1}
_EPERM, _ENOSYS = 1, 38
_THREAD = 0x10000  # of clone's flags

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_DENIED = {  # system call: its number on x86_64 and on aarch64; -1 where there is none
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "setpriority": (141, 140),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
}
_CLONE, _CLONE3, _PRLIMIT = (56, 220), (435, 435), (302, 261)


def confine(folder: str, readable: Sequence[str]) -> str:
    """Confines this process; the reason why it could not be where it could not, else nothing.

    Args:
        folder: where it may write and remove files.
        readable: folders and files that it may read. What does not exist is left out.
    """
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return f"{platform.system()} on {platform.machine()} has no Landlock that edgepack knows"
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < LANDLOCK_ABI:
        return f"this kernel has no Landlock of version {LANDLOCK_ABI} or later"
    libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or not _landlock(libc, abi, folder, readable) or not _seccomp(libc):
        return f"this kernel does not let a process confine itself ({os.strerror(ctypes.get_errno())})"
    return ""


def _landlock(libc: Any, abi: int, folder: str, readable: Sequence[str]) -> bool:
    everything = _EVERYTHING_BY_ABI[max(known for known in _EVERYTHING_BY_ABI if known <= abi)]
    ruleset = struct.pack("<QQQ", everything, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    rules = libc.syscall(_CREATE_RULESET, ruleset, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    for path, allowed in [(folder, everything), *((path, _READ) for path in readable)]:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            allowed &= 0b110  # a file cannot be listed
        rule = struct.pack("<Qi", allowed, handle)
        failed = libc.syscall(_ADD_RULE, rules, 1, rule, 0)
        os.close(handle)
        if failed:
            return False
    failed = libc.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)
    return not failed


def _seccomp(libc: Any) -> bool:
    place, architecture = _ARCHITECTURES[platform.machine()]

    def refuse(error: int) -> bytes:
        return struct.pack("<HBBI", 0x06, 0, 0, 0x00050000 | error)

    def skip_unless(code: int, value: int, count: int = 1) -> bytes:
        return struct.pack("<HBBI", code, 0, count, value)

    def load(offset: int) -> bytes:
        return struct.pack("<HBBI", 0x20, 0, 0, offset)

    equal, at_least, any_bit = 0x15, 0x35, 0x45
    allow = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    number, first_argument = 0, 16
    program = [load(4), struct.pack("<HBBI", equal, 1, 0, architecture), refuse(_EPERM), load(number)]
    program += [skip_unless(at_least, 0x40000000), refuse(_EPERM)]  # x32, another numbering
    for numbers in _DENIED.values():
        if numbers[place] >= 0:
            program += [skip_unless(equal, numbers[place]), refuse(_EPERM)]
    program += [skip_unless(equal, _CLONE3[place]), refuse(_ENOSYS)]  # then libraries use clone, which can be looked at
    program += [skip_unless(equal, _CLONE[place], 4), load(first_argument), skip_unless(any_bit, _THREAD), allow]
    program += [refuse(_EPERM)]
    program += [skip_unless(equal, _PRLIMIT[place], 4), load(first_argument), skip_unless(equal, 0), allow]
    program += [refuse(_EPERM), allow]
    code = ctypes.create_string_buffer(b"".join(program))
    head = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(program), ctypes.addressof(code)))
    return libc.prctl(_SET_SECCOMP, 2, head, 0, 0) == 0
