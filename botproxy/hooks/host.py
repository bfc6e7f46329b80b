"""A hook process: imports the hook once, then answers one request after another until its worker is gone.

It holds one socket and its output. What its hook does wrong is said to the worker; what its hook never ends is the
worker's to end.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from botproxy.hooks.api import Forward, Request, Response
from botproxy.hooks.frames import Decoder, encode
from botproxy.hooks.importing import Fault, find, said, trace

_PR_SET_PDEATHSIG: Final = 1
_READ: Final = 256 * 1024

Call = Callable[[Request], object]


def main(arguments: Sequence[str]) -> int:
    """Serve on a socket. `arguments`: its descriptor, the worker's process id, `module:function`, the directory to
    import from ("" for none), and bytes of memory.
    """
    descriptor, parent, hook, directory, memory = arguments
    if not _bound(int(parent), int(memory)):
        return 1
    link = socket.socket(fileno=int(descriptor))
    link.set_inheritable(False)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    if directory:
        sys.path.insert(0, directory)
    module, _, name = hook.partition(":")
    found = find(module, name)
    if isinstance(found, Fault):
        link.sendall(encode({"refused": list(found)}))
        return 1
    # What was imported is no garbage; a full collection that walked it would take of a request's time.
    gc.collect()
    gc.freeze()
    link.sendall(encode({"ready": True}))
    _serve(link, _callable(found))
    return 0


def _bound(parent: int, memory: int) -> bool:
    """Die with the worker, whatever the hook does; take no more memory; ignore no signal. False: it is gone already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return os.getppid() == parent


def _callable(function: Callable[..., Any]) -> Call:
    if not inspect.iscoroutinefunction(function):
        return function
    import asyncio  # half of the time and the memory that a process takes to start

    runner = asyncio.Runner()

    def call(request: Request) -> object:
        return runner.run(function(request))

    return call


def _serve(link: socket.socket, call: Call) -> None:
    decoder = Decoder()
    while True:
        data = link.recv(_READ)
        if not data:
            return
        for message, _ in decoder.feed(data):
            link.sendall(_answered(message, call))


def _answered(message: dict[str, Any], call: Call) -> bytes:
    number = message["number"]
    try:
        request = Request(message["url"], message["method"], message["headers"], message["cf"])
        returned = call(request)
    except BaseException as problem:  # a hook that exits has failed like any other
        return encode({"number": number, "raised": said(problem), "trace": trace(problem)})
    if returned is None:
        return encode({"number": number})
    if isinstance(returned, Response):
        return encode({"number": number, "status": returned.status, "headers": returned.headers}, returned.body)
    if isinstance(returned, Forward):
        changes = [returned.request_headers, returned.response_headers]
        return encode({"number": number, "changes": changes})
    what = f"returned {type(returned).__name__}, not Response, Forward or None"
    return encode({"number": number, "rubbish": what})
