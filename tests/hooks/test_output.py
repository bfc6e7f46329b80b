"""What hooks print is in the log, and no more of it than a log can bear."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

import pytest

from botproxy.hooks.output import MAX_LINE, Output
from botproxy.hooks.pool import LINES_A_SECOND
from botproxy.telemetry.line_budget import LineBudget

from .conftest import FactsMaker, Run, until


def printed(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line(record) for record in caplog.records if record.getMessage() == "a hook printed"]


def line(record: logging.LogRecord) -> str:
    told: dict[str, Any] = record.__dict__["fields"]
    return str(told["line"])


async def test_lines_of_both_streams_and_of_children_are_logged(
    run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = await run(
        """
        import os, sys

        def decide(request):
            print("printed", request.url)
            print("complained", file=sys.stderr)
            os.system("echo from a child")
        """
    )
    await running.ask(make_facts())
    await until(lambda: {"complained", "from a child"} <= set(printed(caplog)))
    assert "printed https://Example.com:8443/" in printed(caplog)
    assert caplog.records[0].__dict__["fields"]["zone"] == "shop"


async def test_long_lines_are_cut_and_many_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = [0.0]
    output = Output(asyncio.get_running_loop(), "shop", LineBudget(LINES_A_SECOND, lambda: clock[0]))
    writer = os.dup(output.writer)
    output.start(1)
    os.write(writer, b"x" * 9000 + b"\nnext\n")
    await until(lambda: "next" in printed(caplog))
    assert [len(each) for each in printed(caplog)] == [MAX_LINE, 4]
    os.write(writer, b"".join(b"%d\n" % number for number in range(1000)))
    await until(lambda: len(printed(caplog)) == LINES_A_SECOND)
    clock[0] = 1.0
    os.write(writer, b"afterwards\n")
    await until(lambda: "afterwards" in printed(caplog))
    assert caplog.records[-1].__dict__["fields"]["suppressed"] == 1000 - (LINES_A_SECOND - 2)
    os.write(writer, b"without an end")
    os.close(writer)
    output.close()
    output.close()
    assert printed(caplog)[-1] == "without an end"


async def test_a_flood_is_read_slowly_so_that_it_costs_the_worker_nothing(
    run: Run, make_facts: FactsMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = await run("def decide(request):\n    while True: print('flood' * 100)", timeout=0.5)
    reply = await running.ask(make_facts())
    assert reply.result == "slow"
    assert len(printed(caplog)) <= 2 * LINES_A_SECOND
