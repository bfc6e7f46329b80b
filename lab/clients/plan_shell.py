"""Runs a plan with a program of the command line: `plan_shell.py curl|curl1|wget|http|aria2c PLAN`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.parse
from typing import Any


def headers_of(step: dict[str, Any], flag: str) -> list[str]:
    """The headers of a step, each after this flag."""
    return [part for name, value in step["headers"].items() for part in (flag, f"{name}: {value}")]


def curl(plan: dict[str, Any], *more: str) -> list[list[str]]:
    """One curl for all steps, or one for each."""
    each: list[list[str]] = []
    for step in plan["steps"]:
        line = ["-sk", *more, "-o", "/dev/null", "-X" if step["method"] not in ("GET", "POST") else "-s"]
        line += [step["method"]] if step["method"] not in ("GET", "POST") else []
        line += headers_of(step, "-H")
        if step["form"]:
            line += ["-d", urllib.parse.urlencode(step["form"])]
        elif step["json"]:
            line += ["-H", "Content-Type: application/json", "-d", json.dumps(step["json"])]
        each.append([*line, plan["base"] + step["path"]])
    if plan["fresh"]:
        return [["curl", *line] for line in each]
    return [["curl", *[part for at, line in enumerate(each) for part in (["--next"] if at else []) + line]]]


def wget(plan: dict[str, Any], jar: str) -> list[list[str]]:
    """One for each step, with cookies kept in a file."""
    lines = []
    for step in plan["steps"]:
        line = ["wget", "-q", "-t1", "--no-check-certificate", "-O", "/dev/null"]
        line += ["--load-cookies", jar, "--save-cookies", jar, "--keep-session-cookies", *headers_of(step, "--header")]
        data = (
            urllib.parse.urlencode(step["form"]) if step["form"] else json.dumps(step["json"]) if step["json"] else ""
        )
        lines.append([*line, *([f"--post-data={data}"] if data else []), plan["base"] + step["path"]])
    return lines


def httpie(plan: dict[str, Any]) -> list[list[str]]:
    """One for each step."""
    lines = []
    for step in plan["steps"]:
        fields = [f"{name}={value}" for name, value in (step["form"] or step["json"] or {}).items()]
        kind = ["--form"] if step["form"] else []
        own = [f"{name}:{value}" for name, value in step["headers"].items()]
        lines.append(
            ["http", "--verify=no", "--ignore-stdin", *kind, step["method"], plan["base"] + step["path"], *own, *fields]
        )
    return lines


def aria2(plan: dict[str, Any], out: str) -> list[list[str]]:
    """One for each step that gets something."""
    line = ["aria2c", "-q", "--check-certificate=false", "--allow-overwrite=true", "-d", out, "-o", "x"]
    return [
        [*line, *headers_of(step, "--header"), plan["base"] + step["path"]]
        for step in plan["steps"]
        if step["method"] == "GET"
    ]


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        given = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        made = {
            "curl": lambda: curl(given),
            "curl1": lambda: curl(given, "--http1.1"),
            "wget": lambda: wget(given, folder + "/jar"),
            "http": lambda: httpie(given),
            "aria2c": lambda: aria2(given, folder),
        }[sys.argv[1]]()
        for argv in made:
            subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
