"""The commands that need no running proxy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from botproxy.cli import main
from botproxy.cli.serve import greeting
from botproxy.config import Config, Source
from botproxy.cookies import KeyRing
from botproxy.supervisor import Ready

SITE = "zones: [{name: site, hosts: [example.com], origins: ['http://127.0.0.1:3000']}]\n"


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"BOTPROXY_SECRET": None} | (env or {})).invoke(main, arguments)


def written(directory: Path, text: str) -> str:
    file = directory / "botproxy.yaml"
    file.write_text(text)
    return str(file)


def test_every_command_explains_itself() -> None:
    listed = run("--help")
    assert listed.exit_code == 0
    for name in ("serve", "check", "keys", "mode", "reload", "health", "schema", "version", "demo"):
        assert f"  {name} " in listed.output
        assert run(name, "--help").exit_code == 0


def test_check_says_that_a_file_is_right(tmp_path: Path) -> None:
    result = run("check", written(tmp_path, "secret_file: auto\n" + SITE))
    assert result.exit_code == 0
    assert "is right: 1 zone, 0 rules, mode observe" in result.output


def test_check_prints_every_problem_as_compilers_do(tmp_path: Path) -> None:
    file = written(tmp_path, "mode: enforc\nworkers: -1\n" + SITE)
    result = run("check", file)
    assert result.exit_code == 1
    assert f"{file}:1:7: `enforc` cannot be `mode` — `observe` or `enforce`\n" in result.output
    assert f"{file}:2:10: " in result.output
    assert "2 problems" in result.output


def test_check_warns_about_a_missing_secret_and_passes(tmp_path: Path) -> None:
    """The machine that checks need not be the one that serves."""
    result = run("check", written(tmp_path, SITE))
    assert result.exit_code == 0
    assert "warning: there is no secret" in result.output


def test_check_of_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "nowhere.yaml")).exit_code == 1


def test_keys_new_prints_a_secret_that_can_be_used() -> None:
    first, second = run("keys", "new").output, run("keys", "new").output
    assert first != second
    assert KeyRing.from_text(first)


def test_schema_is_json_schema() -> None:
    schema = json.loads(run("schema").output)
    assert set(schema["properties"]) == set(Config.model_fields)
    assert schema["additionalProperties"] is False


def test_version_is_said() -> None:
    assert run("version").output.startswith("botproxy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "either --config FILE or --origin URL"),
        (["--config", "a.yaml", "--origin", "http://o"], "either --config FILE or --origin URL"),
        (["--config", "a.yaml", "--mode", "observe"], "--mode goes with --origin"),
        (["--config", "a.yaml", "--workers", "0"], "--workers goes with --origin"),
        (["--origin", "http://o", "--mode", "block"], "--mode"),
    ],
)
def test_serve_refuses_options_that_do_not_go_together(arguments: list[str], said: str) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_what_serve_prints_can_be_tried() -> None:
    ready = Ready(("0.0.0.0:8080",), "127.0.0.1:9191", Path("data"), "enforce")
    text = click.unstyle("\n".join(greeting(Source.from_origin("http://127.0.0.1:3000"), ready)))
    assert "in front of http://127.0.0.1:3000: it scores every request and acts on it" in text
    assert "curl -i http://127.0.0.1:8080/ " in text
    assert "http://127.0.0.1:9191/metrics" in text
    assert "botproxy mode observe --admin 127.0.0.1:9191" in text
    assert "data/events.jsonl" in text
    of_file = click.unstyle("\n".join(greeting(Source.from_file("a.yaml"), ready._replace(mode="observe"))))
    assert "visitors   0.0.0.0:8080" in of_file
    assert "botproxy mode enforce --admin 127.0.0.1:9191" in of_file
    assert "botproxy reload --admin 127.0.0.1:9191" in of_file


def test_nothing_heavy_is_imported_before_a_command_needs_it() -> None:
    """Health checks and completions start the command line often."""
    heavy = "{'pydantic', 'aiohttp', 'cryptography', 're2', 'uvloop', 'yaml', 'rich'}"
    code = f"import sys, botproxy.cli.running, botproxy.cli.serve; sys.exit(str({heavy} & set(sys.modules) or '') or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
