"""Answers one question about a configuration, in a process of its own: `python -m botproxy.worker.consulting`.

The question comes as JSON on standard input, the answer goes to standard output. What a configuration weighs, and how
long its rules take to compile, is then nothing to the process that asks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from botproxy.config import Config, ConfigError, LoadedLists, Problem, Source, examine
from botproxy.config.load import Whole, read_whole
from botproxy.config.overlay.effective import difference, exported, view
from botproxy.errors import OperatorError
from botproxy.rules import RuleError, compile_expression


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The answer; with `problems` when the configuration is at fault."""
    try:
        return _QUESTIONS[question["question"]](question)
    except ConfigError as error:
        return {"problems": told(error.problems, _zones(question), None)}
    except OperatorError as error:
        return {"problems": [{"text": str(error)}]}


def _view(question: dict[str, Any]) -> dict[str, Any]:
    return view(Source.from_json(question["source"]), _zones(question))


def _export(question: dict[str, Any]) -> dict[str, Any]:
    return {"text": exported(read_whole(Source.from_json(question["source"])))}


def _difference(question: dict[str, Any]) -> dict[str, Any]:
    before = read_whole(Source.from_json(question["before"]))
    after = read_whole(Source.from_json(question["after"]))
    return {"diff": difference(before, after, tuple(question["names"]), _zones(question))}


def _try(question: dict[str, Any]) -> dict[str, Any]:
    """Everything that `botproxy check` would say, and what is different from the running configuration."""
    source = Source.from_json(question["after"])
    zones = _zones(question)
    problems: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    whole: Whole | None = None
    try:
        whole = read_whole(source)
        examined = examine(source)
        warnings = told(examined.warnings, zones, whole)
        problems = _composed(examined.config, examined.lists)
    except ConfigError as error:
        problems = told(error.problems, zones, whole)
    diff = ""
    if whole is not None:
        try:
            before = read_whole(Source.from_json(question["before"]))
            diff = difference(before, whole, ("running", "after this change"), zones)
        except ConfigError:  # the file of the running configuration was changed, and cannot be read any more
            diff = ""
    return {"problems": problems, "warnings": warnings, "diff": diff}


def _composed(config: Config, lists: LoadedLists) -> list[dict[str, Any]]:
    from botproxy.cookies import KeyRing, new_secret
    from botproxy.worker.compose import DataPlane

    try:
        _ = DataPlane(config, KeyRing.from_text(new_secret()), lists).plan
    except OperatorError as error:
        several = getattr(error, "problems", ())
        return [{"text": str(problem)} for problem in several] or [{"text": str(error)}]
    return []


def _expression(question: dict[str, Any]) -> dict[str, Any]:
    """Whether an expression compiles under the configuration's lists, and which fields it looks at."""
    lists = examine(Source.from_json(question["source"])).lists.lists
    try:
        expression = compile_expression(question["expression"], lists=lists)
    except RuleError as error:
        return {"error": str(error), "fields": []}
    return {"error": None, "fields": sorted(expression.fields)}


def told(problems: Iterable[Problem], zones: list[str] | None, whole: Whole | None) -> list[dict[str, Any]]:
    """Problems for JSON. Who may see some zones only is told of others that there are faults, and not which."""
    rows = []
    elsewhere = 0
    for problem in problems:
        if zones is not None and _zone_of(problem, whole) not in zones:
            elsewhere += 1
            continue
        place = {"file": problem.file, "line": problem.line, "column": problem.column, "path": problem.path}
        rows.append({"text": str(problem), **place, "what": problem.what, "right": problem.right})
    if elsewhere:
        rows.append({"text": f"{elsewhere} more in parts of the configuration that you may not see"})
    return rows


def _zone_of(problem: Problem, whole: Whole | None) -> str:
    if whole is None or not problem.path.startswith("zones["):
        return ""
    at = problem.path[6:].partition("]")[0]
    value = whole.document.value
    zones = value.get("zones") if isinstance(value, dict) else None
    zone = zones[int(at)] if isinstance(zones, list) and at.isdecimal() and int(at) < len(zones) else None
    return str(zone.get("name")) if isinstance(zone, dict) else ""


def _zones(question: dict[str, Any]) -> list[str] | None:
    return question.get("zones")


_QUESTIONS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "view": _view,
    "export": _export,
    "difference": _difference,
    "try": _try,
    "expression": _expression,
}


def main() -> int:
    """Answer the one question."""
    sys.stdout.buffer.write(orjson.dumps(answer(orjson.loads(sys.stdin.buffer.read()))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
