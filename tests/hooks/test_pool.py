"""Requests and the hook of their zone: whatever its code does, each gets one reply within its time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from botproxy.hooks.replies import FAILURES, Reply

from .conftest import FactsMaker, Run, Running, alive, gone, until

BY_PATH = """
    import os, signal, subprocess, sys, time
    from botproxy.hooks import Forward, Response

    def decide(request):
        match request.url.rpartition("/")[2]:
            case "answer": return Response("no", 429, {"Retry-After": "30"})
            case "change": return Forward({"X-Score": str(request.cf.botManagement.score)}, {"Server": None})
            case "raise": raise LookupError("nothing there")
            case "exit": sys.exit(3)
            case "die": os._exit(3)
            case "crash": os.kill(os.getpid(), signal.SIGSEGV)
            case "close": os.closerange(3, 100); time.sleep(60)
            case "forge": os.write(int(sys.argv[1]), b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
            case "twice": os.write(int(sys.argv[1]), bytes([0, 0, 0, 6, 0, 0, 0, 2, 123, 125]) * 2)
            case "dict": return {"status": 200}
            case "bad": return Response("no", 42)
            case "large": return Response(b"x" * 3000)
            case "huge": return Response(b"x" * 5_000_000)
            case "loop":
                while True: pass
            case "sleep": time.sleep(60)
            case "child": subprocess.run(["sleep", "60"])
            case "deaf":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True: time.sleep(60)
"""


def children() -> str:
    """The processes that this one has started."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


async def one(running: Running, make_facts: FactsMaker, word: str) -> Reply:
    return await running.ask(make_facts(b"/" + word.encode(), score=7))


async def test_a_hook_passes_answers_and_changes_headers(run: Run, make_facts: FactsMaker) -> None:
    running = await run(BY_PATH)
    assert await one(running, make_facts, "nothing") == Reply("passed")
    answered = await one(running, make_facts, "answer")
    assert answered.answer is not None
    assert (answered.answer.status, answered.answer.body) == (429, b"no")
    assert (b"Retry-After", b"30") in answered.answer.headers
    changed = await one(running, make_facts, "change")
    assert changed.changes is not None
    assert changed.changes.request == ((b"X-Score", b"7"),)
    assert changed.changes.response_without == {b"server"}
    assert running.counts == {"passed": 1, "answered": 1, "changed": 1}


async def test_headers_of_its_own_go_whatever_it_says(run: Run, make_facts: FactsMaker) -> None:
    running = await run(BY_PATH, own_headers=["X-User-Tier", "x_other"])
    names = {b"x-user-tier", b"x-other"}
    assert running.hook.unchanged is not None
    assert running.hook.unchanged.request_without == names
    changed = await one(running, make_facts, "change")
    assert changed.changes is not None
    assert changed.changes.request_without == names | {b"x-score"}
    assert (await run(BY_PATH)).hook.unchanged is None


async def test_a_hook_that_is_a_coroutine_is_awaited(run: Run, make_facts: FactsMaker) -> None:
    running = await run(
        """
        import asyncio
        from botproxy.hooks import Response

        lock = asyncio.Lock()

        async def decide(request):
            async with lock:
                await asyncio.sleep(0.001)
            return Response("awaited")
        """
    )
    for _ in range(2):
        reply = await running.ask(make_facts())
        assert reply.answer is not None
        assert reply.answer.body == b"awaited"


@pytest.mark.parametrize("word", ["raise", "exit", "bad", "dict", "large"])
async def test_what_a_hook_does_wrong_is_a_pass_that_is_counted_and_it_goes_on(
    run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture, word: str
) -> None:
    running = await run(BY_PATH, answer_size=2048)
    before = running.hook.processes()
    reply = await one(running, make_facts, word)
    assert reply.result == ("rubbish" if word in ("dict", "large") else "raised")
    assert (await one(running, make_facts, "answer")).result == "answered"
    assert running.hook.processes() == before
    (record,) = [record for record in caplog.records if record.getMessage() == "a hook failed"]
    told: dict[str, Any] = record.__dict__["fields"]
    assert (told["zone"], told["hook"], told["result"]) == ("shop", "shop_hook:decide", reply.result)
    if word == "raise":
        assert "shop_hook.py" in told["detail"]
        assert "LookupError: nothing there" in told["detail"]
        assert "botproxy/hooks" not in told["detail"]


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("die", "died"),
        ("crash", "died"),
        ("close", "died"),
        ("forge", "rubbish"),
        ("twice", "rubbish"),
        ("huge", "rubbish"),
    ],
)
async def test_a_process_that_breaks_is_replaced(run: Run, make_facts: FactsMaker, word: str, result: str) -> None:
    running = await run(BY_PATH)
    before = running.hook.processes()
    assert (await one(running, make_facts, word)).result == result
    await until(lambda: running.counts["ended"] == 1)
    async with asyncio.timeout(10):
        while (await one(running, make_facts, "answer")).result == "away":  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.01)
    assert (await one(running, make_facts, "answer")).result == "answered"
    assert running.hook.processes() != before


@pytest.mark.parametrize("word", ["loop", "sleep", "deaf", "child"])
async def test_a_hook_that_takes_too_long_is_ended_with_all_that_it_started(
    run: Run, make_facts: FactsMaker, word: str
) -> None:
    running = await run(BY_PATH, timeout=0.3)
    (process,) = running.hook.processes()
    loop = asyncio.get_running_loop()
    asked = running.asked(make_facts(b"/" + word.encode()))
    began = loop.time()
    started: list[int] = []
    if word == "child":
        children = Path(f"/proc/{process}/task/{process}/children")
        started = await until(lambda: [int(each) for each in children.read_text().split()])
    assert (await asked).result == "slow"
    assert 0.25 < loop.time() - began < 5
    await until(lambda: not any(map(alive, (process, *started))))
    await until(lambda: running.counts["ended"] == 1 and running.hook.processes())
    assert running.counts == {"slow": 1, "ended": 1}


async def test_a_worker_that_was_held_up_does_not_blame_its_hook(run: Run, make_facts: FactsMaker) -> None:
    running = await run("def decide(request): return None", timeout=0.2)
    asked = running.asked(make_facts())
    time.sleep(0.5)  # noqa: ASYNC251 - the loop stands still, and the reply is there when it goes on
    assert (await asked).result == "passed"
    assert running.counts == {"passed": 1}


async def test_a_slow_hook_whose_visitor_went_on_is_ended_all_the_same(
    run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
        import time

        def decide(request):
            time.sleep(30 if request.url.endswith("/slow") else 0.4)
    """
    running = await run(code, timeout=1)
    first, second = running.asked(make_facts()), running.asked(make_facts(b"/slow"))
    assert (await first).result == "passed"
    assert (await second).result == "queued"
    await until(lambda: running.counts["ended"] == 1)
    assert "slow" in [record.__dict__["fields"]["result"] for record in caplog.records if "fields" in record.__dict__]


async def test_who_waits_too_long_for_a_turn_goes_on_and_the_hook_that_is_not_slow_lives(
    run: Run, make_facts: FactsMaker
) -> None:
    running = await run("import time\ndef decide(request): time.sleep(0.35)", timeout=0.5)
    before = running.hook.processes()
    replies = await asyncio.gather(*(running.asked(make_facts()) for _ in range(3)))
    # The second is in the hook for most of what is left of its time, and its process gets a whole timeout for it.
    assert [reply.result for reply in replies] == ["passed", "queued", "queued"]
    await asyncio.sleep(0.4)
    assert (await running.ask(make_facts())).result == "passed"
    assert running.hook.processes() == before
    assert running.counts["ended"] == 0


async def test_the_queue_is_bounded(run: Run, make_facts: FactsMaker) -> None:
    running = await run("import time\ndef decide(request): time.sleep(0.05)", queue=3)
    replies = await asyncio.gather(*(running.asked(make_facts()) for _ in range(10)))
    assert [reply.result for reply in replies] == ["passed"] * 4 + ["full"] * 6


async def test_several_requests_are_in_flight_and_each_gets_its_own_reply(run: Run, make_facts: FactsMaker) -> None:
    code = """
    import time
    from botproxy.hooks import Response

    def decide(request):
        time.sleep(0.2 if request.url.endswith("/0") else 0)
        return Response(request.url.rpartition("/")[2])
    """
    running = await run(code, processes=2, queue=1000)
    order: list[int] = []
    asked = [running.asked(make_facts(b"/%d" % number)) for number in range(200)]
    for number, each in enumerate(asked):
        each.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
    replies = await asyncio.gather(*asked)
    assert [reply.answer.body for reply in replies if reply.answer] == [b"%d" % number for number in range(200)]
    assert order[0] != 0
    assert order[-1] == 0


async def test_without_a_process_requests_do_not_wait(run: Run, make_facts: FactsMaker) -> None:
    running = await run(BY_PATH)
    for _ in range(3):
        (process,) = await until(running.hook.processes)
        os.kill(process, signal.SIGKILL)
        await until(partial(gone, process))
        await until(partial(lambda killed: killed not in running.hook.processes(), process))
    assert running.hook.processes() == []
    asked = running.asked(make_facts())
    assert asked.done()
    assert asked.result().result == "away"
    # It comes back by itself, later each time.
    await until(running.hook.processes)
    assert (await one(running, make_facts, "answer")).result == "answered"


async def test_one_that_cannot_be_started_holds_up_nobody(
    run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture
) -> None:
    running = await run("raise RuntimeError('not today')")
    await until(lambda: [record for record in caplog.records if "not today" in str(record.__dict__.get("fields"))])
    assert (await running.ask(make_facts())).result in FAILURES


@pytest.mark.parametrize("missing", ["pidfd_open", "pipe2"])
async def test_without_descriptors_it_is_away_and_comes_back_once_there_are_some(
    run: Run, make_facts: FactsMaker, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(24, "Too many open files")

    before = children()
    with monkeypatch.context() as patched:
        patched.setattr(os, missing, refuse)
        running = await run(BY_PATH)
        assert (await one(running, make_facts, "answer")).result == "away"
        assert children() == before
    await until(running.hook.processes)
    assert (await one(running, make_facts, "answer")).result == "answered"


async def test_closing_lets_everybody_go_and_leaves_no_process(run: Run, make_facts: FactsMaker) -> None:
    running = await run(BY_PATH, processes=2)
    processes = running.hook.processes()
    asked = [running.asked(make_facts(b"/loop")) for _ in range(4)]
    await running.hook.close()
    assert [reply.result for reply in await asyncio.gather(*asked)] == ["away"] * 4
    assert all(map(gone, processes))
    assert (await running.ask(make_facts())).result == "away"


async def test_complaints_have_a_bound(run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    running = await run(BY_PATH)
    for _ in range(200):
        assert (await one(running, make_facts, "raise")).result == "raised"
    assert running.counts["raised"] == 200
    assert len([record for record in caplog.records if record.getMessage() == "a hook failed"]) <= 40
