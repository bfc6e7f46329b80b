"""`botproxy check` as an operator runs it: a process, its output, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
import yaml

from botproxy.cli.check import check as check_command
from botproxy.errors import OperatorError
from botproxy.worker import compose

command = check_command.callback
assert command is not None

SITE = """\
secret_file: auto
zones:
  - name: site
    hosts: [example.com]
    origins: ["http://127.0.0.1:3000"]
"""

FAULTY = """\
mode: enforc
listeners:
  - address: :8443
    tls: {certificate: one.pem, key: two.key}
limits:
  header_sise: 1KB
  uri_length: 1MB
timeouts: {drain: soon}
admin: {listen: 0.0.0.0:9090}
forwarding: {trusted: [0.0.0.0/0]}
scoring:
  heuristics:
    files: [own.fingerprints]
challenges: {difficulty: 99}
unknown_host: elsewhere
zones:
  - name: site
    hosts: [example.com, http://example.com]
    origins: ["http://127.0.0.1:3000/path"]
    rules:
      - ref: one
        expression: >-
          http.host eq "example.com" and
          http.hots contains "a"
        action: block
      - ref: two
        expression: ip.src in {10.0.0.0/99}
        action: block
      - ref: one
        expression: ssl
        action: bloc
"""

FINGERPRINTS = """\
- id: 8388608
  tag: own
  reason: Says that it is a robot.
  expression: http.user_agent contians "robot"
"""

SAID = (
    "botproxy.yaml:1:7: `enforc` cannot be `mode`",
    "botproxy.yaml:4:38: the key `two.key` is not the key of the certificate `one.pem`",
    "botproxy.yaml:6:3: unknown key `header_sise` — did you mean `header_size`",
    "botproxy.yaml:7:15: a request target of 1048576 bytes does not fit",
    "botproxy.yaml:8:19: `soon` cannot be `drain`",
    "botproxy.yaml:9:17: 0.0.0.0:9090 can be reached by others, and there is no token",
    "botproxy.yaml:10:24: 0.0.0.0/0 trusts every visitor",
    "botproxy.yaml:14:26: `99` cannot be `difficulty`",
    "botproxy.yaml:15:15: there is no zone `elsewhere`",
    "botproxy.yaml:18:26: `http://example.com` is no host name",
    "botproxy.yaml:19:15: `http://127.0.0.1:3000/path` is no origin",
    "botproxy.yaml:24:11: the expression is wrong:",
    "botproxy.yaml:27:32: the expression is wrong:",
    "botproxy.yaml:29:14: a second rule with the ref `one` in this zone",
    "botproxy.yaml:31:17: `bloc` cannot be `action`",
    "own.fingerprints:4:31: the expression is wrong:",
)


def check(directory: Path) -> subprocess.CompletedProcess[str]:
    """`botproxy check botproxy.yaml` in this directory, without anything that the environment says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BOTPROXY_")}
    command = [sys.executable, "-m", "botproxy", "check", "botproxy.yaml"]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def written(directory: Path, text: str) -> Path:
    """The directory, with this configuration, two certificates and fingerprints in it."""
    authority = trustme.CA()
    for name in ("one", "two"):
        certificate = authority.issue_cert("example.com")
        certificate.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
        certificate.private_key_pem.write_to_path(directory / f"{name}.key")
        (directory / f"{name}.key").chmod(0o600)
    (directory / "own.fingerprints").write_text(FINGERPRINTS)
    (directory / "botproxy.yaml").write_text(text)
    return directory


def test_every_one_of_many_faults_is_said_with_its_file_line_and_column(tmp_path: Path) -> None:
    done = check(written(tmp_path, FAULTY))
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if not line.startswith("    ")]
    assert [said[: len(wanted)] for said, wanted in zip(told, SAID, strict=True)] == list(SAID)
    assert done.stderr == f"botproxy.yaml cannot be used: {len(SAID)} problems\n"


def test_a_file_that_is_right_is_said_to_be_and_nothing_is_made(tmp_path: Path) -> None:
    """Checking makes no secret and no data directory: that is left to whoever serves."""
    text = SITE + "listeners: [{address: ':8443', tls: {certificate: one.pem, key: one.key}}]\n"
    before = {path.name for path in written(tmp_path, text).iterdir()}
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "botproxy.yaml is right: 1 zone, 0 rules, mode observe" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_rule_that_cannot_be_looked_up_is_named_and_no_fault(tmp_path: Path) -> None:
    rules = "    rules:\n      - {ref: wide, expression: 'http.host ne \"a\"', action: log}\n"
    done = check(written(tmp_path, SITE + rules))
    assert done.returncode == 0
    assert "botproxy.yaml:7:33: warning: the rule `wide` is evaluated for every request" in done.stdout


def test_what_presets_and_bot_management_stand_for_is_shown_to_be_copied(tmp_path: Path) -> None:
    rules = "    presets: [likely-bots, definite-bots]\n    bot_management: {fight_mode: true}\n"
    done = check(written(tmp_path, SITE + rules))
    assert done.returncode == 0
    shown = yaml.safe_load("".join(line[4:] for line in done.stdout.splitlines(True) if line.startswith("    ")))
    assert [rule.get("ref") or rule["setting"] for rule in shown] == [
        "preset.definite-bots",
        "preset.likely-bots",
        "bot_management.fight_mode",
    ]
    assert shown[0] == {
        "ref": "preset.definite-bots",
        "description": "Surely automated",
        "expression": "(cf.bot_management.score eq 1 and not cf.bot_management.verified_bot and not "
        "cf.bot_management.static_resource)",
        "action": "block",
    }


def test_what_only_a_worker_would_find_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker is composed as `serve` does it, down to the origins, without accepting anything."""

    def refuse(*_: object) -> None:
        raise OperatorError("origins cannot be had")

    monkeypatch.setattr(compose, "OriginPool", refuse)
    file = written(tmp_path, SITE) / "botproxy.yaml"
    with pytest.raises(SystemExit) as ended:
        command(str(file))
    assert ended.value.code == 1
    assert f"{file}: origins cannot be had" in capsys.readouterr().out
