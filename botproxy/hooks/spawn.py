"""Starting a hook process: which command, in which directory, with which environment and descriptors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import botproxy
from botproxy.hooks.settings import Settings

USUAL: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV"),
    *(
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    ),
    *("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"),
)
"""Variables that every hook process is given, with those whose names begin with `LC_`."""

RESERVED: Final = ("BOTPROXY_", "PYTHONPATH", "PYTHONHOME")
"""Beginnings of names that no hook is given: secrets of the proxy, and what would import something else."""


def environment(settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """What a hook process gets of our environment."""
    wanted = {*USUAL, *settings.environment}
    kept = {
        name: value
        for name, value in given.items()
        if (name in wanted or name.startswith("LC_")) and not name.startswith(RESERVED)
    }
    # This very package, and nothing from the working directory.
    kept["PYTHONPATH"] = str(Path(botproxy.__file__).resolve().parents[1])
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def command(settings: Settings, descriptor: int) -> list[str]:
    """The command line; `descriptor` is the hook's end of the socket."""
    directory = "" if settings.directory is None else str(settings.directory.absolute())
    order = (str(descriptor), str(os.getpid()), settings.module, directory, str(settings.memory))
    return [sys.executable, "-P", "-m", "botproxy.hooks", *order]


def spawn(settings: Settings, output: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a process whose output goes to this descriptor; it, and our end of its socket. OSError when it cannot be.

    It leads a session of its own, so that ending its group ends whatever it started; it inherits two descriptors.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - this program itself
                command(settings, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                cwd=settings.directory or "/",
                env=environment(settings, os.environ),
                start_new_session=True,
            )
    except BaseException:
        ours.close()
        raise
    return process, ours
