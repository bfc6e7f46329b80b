"""What a hook process has: two descriptors and its output, few variables, its directory, bounded memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import orjson
import pytest

from botproxy.hooks.settings import Settings
from botproxy.hooks.spawn import environment

from .conftest import FactsMaker, Run, alive, until

LOOK = """
    import os
    from botproxy.hooks import Response

    def held():
        for number in os.listdir("/proc/self/fd"):
            try:
                yield number, os.readlink(f"/proc/self/fd/{number}")
            except FileNotFoundError:  # of the listing itself
                pass

    def decide(request):
        return Response.json({"held": dict(held()), "environment": dict(os.environ), "directory": os.getcwd()})
"""


async def test_it_holds_neither_listening_sockets_nor_secrets(
    run: Run, make_facts: FactsMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOTPROXY_SECRET", "a secret")
    monkeypatch.setenv("BOTPROXY_ADMIN_TOKEN", "a token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebody's")
    monkeypatch.setenv("DATABASE_URL", "a database")
    with socket.create_server(("127.0.0.1", 0)) as listening, (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(listening.fileno(), True)
        os.set_inheritable(secret.fileno(), True)
        running = await run(LOOK, environment=["DATABASE_URL", "NOT_SET"])
        reply = await running.ask(make_facts())
    assert reply.answer is not None
    told = orjson.loads(reply.answer.body)
    names = told["held"]
    assert names.pop("0") == "/dev/null"
    assert names.pop("1") == names.pop("2")
    assert [name.startswith("socket:") for name in names.values()] == [True]
    assert told["environment"]["DATABASE_URL"] == "a database"
    assert "PATH" in told["environment"]
    assert not {"BOTPROXY_SECRET", "BOTPROXY_ADMIN_TOKEN", "AWS_SECRET_ACCESS_KEY"} & set(told["environment"])
    assert told["directory"] == str(tmp_path / "hooks")


def test_names_of_the_proxy_are_given_to_nobody_even_when_they_are_asked_for() -> None:
    settings = Settings(module="a:b", environment=("BOTPROXY_SECRET", "PYTHONPATH", "WANTED"))
    given = {"BOTPROXY_SECRET": "x", "PYTHONPATH": "/evil", "WANTED": "y", "LC_ALL": "C.UTF-8", "OTHER": "z"}
    kept = environment(settings, given)
    assert kept["WANTED"] == "y"
    assert kept["LC_ALL"] == "C.UTF-8"
    assert "/evil" not in kept["PYTHONPATH"]
    assert not {"BOTPROXY_SECRET", "OTHER"} & set(kept)


async def test_more_memory_than_it_may_have_is_an_exception_in_the_hook(run: Run, make_facts: FactsMaker) -> None:
    running = await run(
        """
        from botproxy.hooks import Response

        def decide(request):
            try:
                bytearray(100 * 1024 * 1024)
            except MemoryError:
                return Response("bounded")
        """,
        memory="64MB",
    )
    reply = await running.ask(make_facts())
    assert reply.answer is not None
    assert reply.answer.body == b"bounded"


async def test_it_dies_with_its_worker_even_in_an_endless_loop(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("def decide(request):\n    while True: pass\n")
    worker = dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        from tests.rules.conftest import build
        from botproxy.hooks.pool import Hook
        from botproxy.hooks.settings import Settings

        async def live():
            settings = Settings(module="endless:decide", directory=Path({str(tmp_path)!r}), timeout=10, processes=1)
            hook = Hook("shop", settings, "BOT", lambda result: None)
            await hook.start()
            hook.ask(build(), lambda reply: None)
            print(*hook.processes(), flush=True)
            await asyncio.sleep(60)

        asyncio.run(live())
        """
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True, cwd=root) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        hook = int(process.stdout.readline())
        assert alive(hook)
        process.send_signal(signal.SIGKILL)
    await until(lambda: not alive(hook))
