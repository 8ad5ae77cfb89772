"""Freed memory stays with the process, or nothing is claimed."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from mtmc.reid import host_memory

RESIDENT_AFTER_FREEING = """
import ctypes
from mtmc.reid.host_memory import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size = 256 * 2**20
block = libc.malloc(size)
ctypes.memset(block, 1, size)
libc.free(block)
print(int(open("/proc/self/statm").read().split()[1]) * 4096)
"""


def resident(keep: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT_AFTER_FREEING.format(keep=keep)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs glibc")
def test_freed_memory_stays_with_the_process() -> None:
    assert resident(keep=True) - resident(keep=False) > 200 * 2**20


def test_another_c_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not host_memory.keep_freed_memory()
