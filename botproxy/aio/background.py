"""Threads that take what requests leave of the processor, and hand it back at once when a request comes."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from contextlib import suppress
from typing import Final

SLICE_NANOSECONDS: Final = 300_000
"""How long such a thread may keep a core that somebody with a better claim waits for; the usual three milliseconds are
more than a whole request takes."""

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}


class _Attributes(ctypes.Structure):
    """`struct sched_attr` in its first size, see sched_setattr(2)."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def give_way(niceness: int) -> None:
    """Lower this thread, and what it begins later, to this niceness (1 to 19) and to short turns.

    A niceness of its own has a thread on Linux alone, and turns of its own from Linux 6.12 on; elsewhere nothing is
    changed.
    """
    if shorten_turns(niceness):
        return
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def shorten_turns(niceness: int) -> bool:
    """Both in one call; whether the kernel took it. An older one takes the length of a turn and passes over it."""
    number = _SCHED_SETATTR.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return False
    size = ctypes.sizeof(_Attributes)
    wanted = _Attributes(size=size, policy=os.SCHED_OTHER, nice=niceness, runtime=SLICE_NANOSECONDS)
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0) == 0)
    return False
