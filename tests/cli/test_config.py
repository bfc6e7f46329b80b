"""`botproxy config`: asked of a running proxy, and of the data directory of one that does not run."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from botproxy.cli import config as commands
from botproxy.cli import main
from botproxy.cli.operator import NobodyAnswersError
from botproxy.config.overlay.versions import Versions


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["config", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> str:
    site = {"name": "shop", "hosts": ["shop.example"], "origins": ["http://127.0.0.1:1"]}
    (tmp_path / "botproxy.yaml").write_text(json.dumps({"data": "var", "secret_file": "auto", "zones": [site]}))
    (tmp_path / "var").mkdir()
    versions = Versions(tmp_path / "var")
    for mode in ("enforce", "observe"):
        overlay = versions.next(versions.current(), {"mode": mode}, "ada", f"mode = {mode}")
        versions.draft(overlay)
        versions.take(overlay)
    return str(tmp_path / "botproxy.yaml")


class Answers:
    """Stands in for the proxy behind the admin listener."""

    def __init__(self, **by_path: tuple[int, dict[str, Any]]) -> None:
        self.by_path = {path.replace("__", "/").replace("_", "/"): answer for path, answer in by_path.items()}
        self.asked: list[tuple[str, str, Any]] = []

    def __call__(
        self, _admin: str, _token: Any, method: str, path: str, body: Any = None, seconds: float = 1.0
    ) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path, body))
        return self.by_path[path.removeprefix("/api/config/")]


def test_the_history_and_the_changes_that_hold(file: str) -> None:
    lines = run("history", "--config", file).output.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "ada  mode = observe" in lines[0]
    assert yaml.safe_load(run("show", "--config", file).output) == {"mode": "observe"}
    assert yaml.safe_load(run("show", "1", "--config", file).output) == {"mode": "enforce"}
    assert run("show", "9", "--config", file).exit_code == 1


def test_a_proxy_that_does_not_run_is_rolled_back(file: str) -> None:
    said = run("rollback", "0", "--config", file)
    assert (said.exit_code, said.output) == (0, "version 3 is like version 0; it holds from the next start on\n")
    assert "mode" not in yaml.safe_load(run("export", "--config", file).output)
    assert "not kept" in run("rollback", "9", "--config", file).output


def test_without_a_file_the_only_place_is_meant(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: Any, **_options: Any) -> Any:
        raise NobodyAnswersError("no proxy answers at 127.0.0.1:9090.")

    monkeypatch.setattr(commands, "ask", nobody)
    monkeypatch.setattr(commands, "PLACES", ("botproxy.yaml",))
    monkeypatch.chdir(Path(file).parent)
    said = run("rollback", "1")
    assert (said.exit_code, said.stderr) == (0, "no proxy answers, so this is about var\n")
    assert yaml.safe_load(run("show").stdout) == {"mode": "enforce"}

    # And what `serve --origin` uses, where there is no file at all.
    Path("botproxy.yaml").unlink()
    Path("var").rename("data")
    assert run("rollback", "0").exit_code == 0
    assert [line.split()[0] for line in run("history").stdout.splitlines()] == ["4", "3", "2", "1"]
    Path("data").rename("elsewhere")
    said = run("rollback", "1")
    assert said.exit_code == 1
    assert "--config FILE or --data DIR says which one is meant" in said.output
    assert run("rollback", "1", "--data", "elsewhere").exit_code == 0


def test_a_version_that_is_damaged_is_left_behind(file: str) -> None:
    path = Path(file).parent / "var" / "overlay" / "000002.yaml"
    path.write_text(path.read_text()[:-30])
    said = CliRunner().invoke(main, ["check", file])
    assert said.exit_code == 1
    assert "000002.yaml: this version is cut off" in said.output
    assert run("rollback", "1", "--config", file).exit_code == 0
    assert yaml.safe_load(run("show", "--config", file).output) == {"mode": "enforce"}


def test_a_proxy_that_runs_has_to_be_asked(file: str) -> None:
    with (Path(file).parent / "var" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = run("rollback", "0", "--config", file)
    assert said.exit_code == 1
    assert "the proxy is running" in said.output


def test_an_exported_file_needs_no_overlay(file: str) -> None:
    assert yaml.safe_load(run("export", "--config", file).output)["mode"] == "observe"


def test_check_looks_at_the_overlay_too(file: str) -> None:
    versions = Versions(Path(file).parent / "var")
    (versions.data / "overlay" / "000003.yaml").write_text("mode: dance\n")
    said = CliRunner().invoke(main, ["check", file])
    assert said.exit_code == 1
    assert "overlay/000003.yaml:1:7: `dance` cannot be `mode`" in said.output


def test_a_running_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"version": 4, "changes": {"mode": "enforce"}, "diff": "--- a\n+++ b\n+mode: enforce\n", "problems": []}
    row = {"version": 4, "at": 0.0, "who": "ada", "what": "mode = \x1b[31m", "restored": None}
    answers = Answers(versions=(200, {"version": 4, "versions": [row]}), versions_4=(200, said))
    answers.by_path |= {"rollback": (200, {"ok": True, "version": 5}), "export": (200, {"text": "mode: enforce\n"})}
    monkeypatch.setattr(commands, "ask", answers)
    assert yaml.safe_load(run("show").output) == {"mode": "enforce"}
    assert "+mode: enforce" in run("diff").output
    assert "\x1b" not in run("history").output
    assert run("export").output == "mode: enforce\n"
    assert run("rollback", "3").output == "version 5, which is like version 3, is in use\n"
    assert answers.asked[-1] == ("POST", "/api/config/rollback", {"version": 3})


def test_what_the_proxy_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [{"text": "botproxy.yaml:1:1: it is wrong"}]
    answers = Answers(rollback=(422, {"ok": False, "problems": problems}))
    monkeypatch.setattr(commands, "ask", answers)
    said = run("rollback", "3")
    assert said.exit_code == 1
    assert "botproxy.yaml:1:1: it is wrong" in said.output
    assert "goes on as before" in said.output
