from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from botproxy.aio.background import give_way, shorten_turns

Found = TypeVar("Found")
linux = pytest.mark.skipif(platform.system() != "Linux", reason="a thread has a niceness of its own on Linux alone")


def on_a_thread(work: Callable[[], Found]) -> Found:
    found: list[Found] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
def test_one_thread_is_lowered_and_not_the_one_that_serves() -> None:
    before = niceness()

    def lowered() -> int:
        give_way(15)
        return niceness()

    assert on_a_thread(lowered) == 15
    assert niceness() == before


@linux
def test_threads_that_it_begins_are_lowered_with_it() -> None:
    def begun() -> int:
        give_way(12)
        return on_a_thread(niceness)

    assert on_a_thread(begun) == 12


@linux
def test_short_turns_keep_the_niceness() -> None:
    def shortened() -> tuple[bool, int]:
        give_way(11)
        return shorten_turns(11), niceness()

    taken, after = on_a_thread(shortened)
    assert after == 11
    assert taken or platform.machine() not in ("x86_64", "aarch64")


def test_where_threads_cannot_be_lowered_nothing_happens() -> None:
    script = (
        "import os, platform; platform.system = lambda: 'Darwin'; del os.setpriority;"
        "from botproxy.aio.background import give_way, shorten_turns; give_way(10); assert not shorten_turns(10)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
