"""Pickles that do what no model should, as the Python that they run; `{out}` is a folder that is not theirs.

Each raises something, or is known to have done nothing, where it is kept from it.
"""

from __future__ import annotations

import pickle
from typing import Any


class Run:
    """Runs its code when it is read."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return exec, (self.code,)


def pickled(code: str) -> bytes:
    return pickle.dumps(Run(code))


WRITES = {
    "a shell": "import os\nif os.system('touch {out}/shell'): raise OSError",
    "a process": "import subprocess; subprocess.run(['touch', '{out}/process'], check=True)",
    "a file": "open('{out}/file', 'w').write('x')",
    "a folder": "import os; os.mkdir('{out}/folder')",
    "a link followed": "import os; os.symlink('{out}', 'way'); open('way/followed', 'w').write('x')",
    "a rename": "import os; open('x', 'w').write('x'); os.rename('x', '{out}/renamed')",
    "a hard link": "import os; open('y', 'w').write('y'); os.link('y', '{out}/linked')",
    "a pipe": "import os; os.mkfifo('{out}/pipe')",
    "a child": "import os\nif os.fork() == 0: open('{out}/child', 'w').write('x'); os._exit(0)\nos.wait()",
}
"""Each leaves something in the folder, if nothing keeps it from it."""

REACHES = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "a socket by number": "import ctypes; l = ctypes.CDLL(None)\nif l.syscall({socket}, 2, 1, 0) < 0: raise OSError",
    "a local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "io_uring": "import ctypes\nif ctypes.CDLL(None).syscall(425, 1, b' ' * 120) < 0: raise OSError",
    "a signal": "import os; os.kill(os.getppid(), 0)",
    "another's memory": "import os; open(f'/proc/{{os.getppid()}}/mem', 'rb')",
    "another's environment": "import os; open(f'/proc/{{os.getppid()}}/environ').read()",
    "another's limits": "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (64, 64))",
    "a file's mode": "import os; os.chmod('{out}/kept', 0)",
    "a file's times": "import os; os.utime('{out}/kept', (1, 1))",
    "a file cut short": "import os; os.truncate('{out}/kept', 0)",
    "a file removed": "import os; os.remove('{out}/kept')",
    "a file read": "open('{out}/kept').read()",
    "users": "open('/etc/passwd').read()",
    "another namespace": "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000): raise OSError",
    "all memory": "x = bytearray(1 << 45)",
}

ENDS = {
    "an exit": ("import os; os._exit(3)", "stopped with status 3"),
    "an abort": ("import os; os.abort()", "stopped with status -"),
    "a read of nowhere": ("import ctypes; ctypes.string_at(0)", "stopped with status -11"),
    "noise": (
        "import os\nfor handle in range(3, 20):\n  try: os.write(handle, b'\\xff' * 100)\n  except OSError: pass\n"
        "import time; time.sleep(3600)",
        "does not speak in frames",
    ),
    "endless sleep": ("import time; time.sleep(3600)", "no answer within"),
}
"""The worker is gone afterwards, and edgepack says so in one line."""
