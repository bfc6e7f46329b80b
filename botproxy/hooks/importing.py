"""From `package.module:function` to the function, or to what is wrong with it, in which file and line."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, NamedTuple

MAX_TEXT: Final = 500
MAX_TRACE: Final = 4000

_OURS: Final = os.path.dirname(os.path.abspath(__file__))


class Fault(NamedTuple):
    """Why a hook cannot be used. `file` is empty and `line` 0 where no place in its code is to blame."""

    what: str
    right: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.what}" + (f" — {self.right}" if self.right else "")


def find(module: str, name: str) -> Callable[..., Any] | Fault:
    """Import the module and take the function. Whatever its code raises becomes a fault."""
    try:
        imported = importlib.import_module(module)
    except BaseException as problem:
        return _import_fault(problem, module)
    file = getattr(imported, "__file__", None) or ""
    try:
        function = getattr(imported, name)
    except AttributeError:
        functions = [each for each, value in vars(imported).items() if callable(value) and not each.startswith("_")]
        near = difflib.get_close_matches(name, functions, 1)
        return Fault(f"there is no `{name}` in it", f"did you mean `{near[0]}`?" if near else "define it", file)
    code = getattr(function, "__code__", None)
    line = code.co_firstlineno if code is not None else 0
    if not callable(function):
        return Fault(f"`{name}` is no function but {_a(function)}", "define it with `def`", file)
    if inspect.isclass(function):
        return Fault(f"`{name}` is a class", "a function that takes one request", file)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return Fault(f"`{name}` is a generator", "`return` in place of `yield`", file, line)
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return Fault(f"`{name}` cannot be called with one argument", f"`def {name}(request):`", file, line)
    except ValueError:  # a function of an extension may not tell
        pass
    return function  # type: ignore[no-any-return]


def _import_fault(problem: BaseException, module: str) -> Fault:
    missing = problem.name if isinstance(problem, ModuleNotFoundError) else None
    if missing is not None and f"{module}.".startswith(f"{missing}."):
        return Fault(f"there is no module `{missing}`", _where())
    if isinstance(problem, SyntaxError) and problem.filename:
        return Fault(f"{type(problem).__name__}: {problem.msg}", "", problem.filename, problem.lineno or 0)
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if _is_code(frame.filename)]
    # Where the operator's own line is to be corrected: the last one outside of what is installed, if there is any.
    own = [frame for frame in frames if not _is_installed(frame.filename)] or frames
    file, line = (own[-1].filename, own[-1].lineno or 0) if own else ("", 0)
    return Fault(said(problem), "", file, line)


def said(problem: BaseException) -> str:
    """An exception in one bounded line."""
    text = " ".join(str(problem).split())[:MAX_TEXT]
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def trace(problem: BaseException) -> str:
    """Where an exception came from, without our own lines around the hook; the end of it, when it is long."""
    shown = traceback.TracebackException.from_exception(problem)
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if os.path.dirname(frame.filename) != _OURS or frame.name == "__init__"]
    )
    return "".join(shown.format())[-MAX_TRACE:]


def _where() -> str:
    places = [place for place in sys.path if place and not _is_installed(place + os.sep)]
    first = "one in its `directory`" if places else "name its `directory`"
    return f"{first}, or one that is installed where botproxy is"


def _is_code(file: str) -> bool:
    return not file.startswith("<frozen") and os.path.dirname(file) != _OURS


def _is_installed(file: str) -> bool:
    return "site-packages" in file or file.startswith(os.path.dirname(os.__file__) + os.sep)


def _a(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
