"""A hook that cannot be used is told with its file, its line and what is wrong, before anybody is served."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from botproxy.hooks.importing import Fault
from botproxy.hooks.settings import Settings
from botproxy.hooks.trial import IMPORT_SECONDS, Trial

from .conftest import Write


def attempt(settings: Settings, seconds: float = IMPORT_SECONDS) -> Fault | None:
    return Trial(settings, seconds).result()


HELPER = """\
def half():
    return 1 // 0
"""


@pytest.mark.parametrize(
    "code",
    [
        "def decide(request): return None",
        "async def decide(request): return None",
        "def decide(request, extra=None): return None",
        "class Decider:\n    def __call__(self, request): return None\ndecide = Decider()",
        "print('x' * 200_000)\ndef decide(request): return None",
        "from functools import partial\ndef two(a, request): return None\ndecide = partial(two, 1)",
        "from botproxy.hooks import Response\ndef decide(request): return Response('x')",
    ],
)
def test_one_that_takes_a_request_can_be_used(write: Write, code: str) -> None:
    assert attempt(write(code)) is None


@pytest.mark.parametrize(
    ("code", "line", "what"),
    [
        ("\n\ndef decide(request)\n    return None\n", 3, "SyntaxError: expected ':'"),
        ("x = 1\ny = undefined\n", 2, "NameError: name 'undefined' is not defined"),
        ("import no_such_module_here\n", 1, "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("import sys\n\nsys.exit(3)\n", 3, "SystemExit: 3"),
        ("import helper\n\nhelper.half()\n", 2, "ZeroDivisionError: integer division or modulo by zero"),
        ("import json\njson.loads('[')\n", 2, "JSONDecodeError: Expecting value"),
        ("def decided(request): return None", 0, "there is no `decide` in it — did you mean `decided`?"),
        ("decide = 7", 0, "`decide` is no function but an int"),
        ("def decide(): return None", 1, "`decide` cannot be called with one argument"),
        ("\ndef decide(a, b): return None", 2, "`decide` cannot be called with one argument"),
        ("def decide(request):\n    yield", 1, "`decide` is a generator"),
        ("class decide:\n    pass", 0, "`decide` is a class"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(write: Write, code: str, line: int, what: str) -> None:
    settings = write(code)
    assert settings.directory is not None
    (settings.directory / "helper.py").write_text(HELPER)
    fault = attempt(settings)
    assert fault is not None
    assert what in str(fault)
    assert fault.line == line
    assert Path(fault.file).parent == settings.directory
    assert str(fault).startswith(f"{fault.file}:{line}: " if line else f"{fault.file}: ")


def test_a_module_that_is_nowhere_is_told_with_where_it_could_be(write: Write) -> None:
    fault = attempt(write("", module="shop_hooks:decide"))
    assert fault is not None
    assert "there is no module `shop_hooks` — one in its `directory`, or " in str(fault)
    assert "there is no module `nowhere`" in str(attempt(Settings(module="nowhere.at.all:decide")))
    missing = attempt(write("", directory=Path("/nonexistent/hooks")))
    assert missing is not None
    assert "there is no directory '/nonexistent/hooks'" in str(missing)


def test_one_that_dies_or_hangs_while_it_is_imported_is_told(write: Write) -> None:
    assert "ended while importing it, with status 3" in str(attempt(write("import os\nos._exit(3)")))
    died = attempt(write("import os\nos.kill(os.getpid(), 11)"))
    assert died is not None
    assert "with status -11" in died.what
    slow = attempt(write("while True: pass"), 0.7)
    assert slow is not None
    assert "takes longer than 0.7 s" in slow.what


def test_its_code_is_never_run_here(write: Write) -> None:
    assert attempt(write("import sys\nsys.modules['botproxy'].marked = True\ndef decide(request): return None")) is None
    assert "shop_hook" not in sys.modules
    assert not hasattr(sys.modules["botproxy"], "marked")
