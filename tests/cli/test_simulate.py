"""`botproxy simulate` over files of events: what it prints, and the exit codes that a pipeline goes by."""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "store" / "events"))

from made import event

from botproxy.cli import main
from botproxy.telemetry.logpush import to_logpush

NOW = time.time()
RULE = ("--rule", "cf.bot_management.score lt 30", "--action", "block")
CONFIG = """
zones:
  - name: shop
    hosts: [shop.example]
    origins: [http://127.0.0.1:1]
    rules:
"""


def line(ago: float = 60.0, **changes: Any) -> bytes:
    given = {
        "ray": "00112233445566ff",
        "method": "GET",
        "scheme": "https",
        "host": "shop.example",
        "path": "/prices",
        "protocol": "HTTP/1.1",
        "client_ip": "192.0.2.1",
        "client_ssl_protocol": "TLSv1.3",
        "user_agent": "curl/8",
        "score": 1,
        "score_source": "Heuristics",
        "score_group": "automated",
        "js_detection": "missing",
    }
    made = event(**{**given, **changes})._replace(start=NOW - ago, end=NOW - ago + 0.1)
    return orjson.dumps(to_logpush(tuple(made)), option=orjson.OPT_APPEND_NEWLINE)


def simulate(folder: Path, *options: str, **given: Any) -> Result:
    return CliRunner().invoke(main, ["simulate", "--data", str(folder), *options], **given)


def write(folder: Path, *lines: bytes) -> Path:
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    return folder


def rules(folder: Path, name: str, *rules: tuple[str, str]) -> str:
    text = "".join(
        f"      - {{ref: r{at}, expression: '{each}', action: {action}}}\n" for at, (each, action) in enumerate(rules)
    )
    (folder / name).write_text(CONFIG + text if rules else CONFIG.replace("    rules:\n", ""))
    return str(folder / name)


def test_nothing_speaks_against_a_rule_that_stops_bots_alone(tmp_path: Path) -> None:
    done = simulate(write(tmp_path, *[line()] * 3, line(score=80, user_agent="Mozilla/5.0 Chrome/120")), *RULE)
    assert done.exit_code == 0, done.output
    assert "forward → block" in done.output
    assert "75.00 %" in done.output
    assert "Nobody who is known to be welcome would be newly stopped." in done.output


@pytest.mark.parametrize(
    ("event", "harm"),
    [
        ({"verified_bot_category": "Search Engine Crawler"}, "verified_bots"),
        ({"path": "/feed"}, "welcome_automation"),
        ({"path": "/x", "rule_ids": ("programs.webhooks",), "actions": ("skip",)}, "welcome_automation"),
        ({"user_agent": "Mozilla/5.0 Chrome/120", "score": 12}, "solved_challenge"),
    ],
)
def test_who_is_welcome_and_would_be_stopped_gives_one(tmp_path: Path, event: dict[str, Any], harm: str) -> None:
    solved = line(score=0, user_agent="Mozilla/5.0 Chrome/120", action="challengeSolved", actions=("challengeSolved",))
    done = simulate(write(tmp_path, line(**event), solved), *RULE, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["harm"][harm] == 1
    assert found["harmed"][0]["harm"] == harm
    assert found["unseen"] == 1
    assert "Newly stopped would be" in simulate(tmp_path, *RULE).output


def test_more_than_one_in_a_hundred_that_cannot_be_judged_gives_two(tmp_path: Path) -> None:
    rule = ("--rule", 'http.cookie contains "a" and http.request.uri.path eq "/login"', "--action", "block")
    few = simulate(write(tmp_path, *[line()] * 99, line(path="/login")), *rule)
    assert few.exit_code == 0
    many = simulate(write(tmp_path, *[line()] * 98, *[line(path="/login")] * 2), *rule)
    assert many.exit_code == 2
    assert "Cannot be judged for want of" in many.output
    assert "headers other than Host" in many.output


def test_harm_that_is_known_outweighs_doubt(tmp_path: Path) -> None:
    rule = ("--rule", 'http.cookie contains "a" or http.request.uri.path eq "/feed"', "--action", "block")
    assert simulate(write(tmp_path, line(), line(path="/feed")), *rule).exit_code == 1


def test_a_new_configuration_beside_the_running_one(tmp_path: Path) -> None:
    old = rules(tmp_path, "old.yaml", ('http.cookie contains "a"', "managed_challenge"))
    new = rules(
        tmp_path,
        "new.yaml",
        ('http.cookie contains "a"', "managed_challenge"),
        ('http.request.uri.path eq "/prices"', "block"),
    )
    write(tmp_path, line(), line(path="/"), line(zone="blog"))
    done = simulate(tmp_path, "--config", new, "--running", old, "--json")
    found = json.loads(done.stdout)
    assert (found["same"], found["changed"], found["unjudgeable"], found["elsewhere"]) == (1, 1, 0, 1)
    assert found["changes"] == [{"before": "forward", "after": "block", "requests": 1}]
    assert found["by"]["client"] == [{"value": "Curl", "before": "forward", "after": "block", "requests": 1}]
    # Without it nothing is known of the rule by cookie: it may be new.
    assert simulate(tmp_path, "--config", new).exit_code == 2
    alone = simulate(tmp_path, "--rule", "ssl", "--action", "block", "--running", old, "--zone", "shop", "--json")
    assert json.loads(alone.stdout)["changed"] == 2


def test_lists_come_from_the_running_configuration(tmp_path: Path) -> None:
    text = CONFIG.replace("    rules:\n", "") + "lists:\n  - {name: office, kind: ip, items: [192.0.2.1]}\n"
    (tmp_path / "old.yaml").write_text(text)
    write(tmp_path, line())
    rule = ("--rule", "ip.src in $office", "--action", "block")
    done = simulate(tmp_path, *rule, "--running", str(tmp_path / "old.yaml"), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["changed"] == 1
    assert simulate(tmp_path, *rule).exit_code == 64


def test_rotated_and_compressed_files_from_the_time_asked_for(tmp_path: Path) -> None:
    (tmp_path / "events-20260101T000000Z-0000.jsonl.gz").write_bytes(gzip.compress(line(7000) + line(4000)))
    (tmp_path / "events-20260102T000000Z-0000.jsonl").write_bytes(line(3000))
    write(tmp_path, line(10))
    assert json.loads(simulate(tmp_path, *RULE, "--json").stdout)["events"] == 4
    assert json.loads(simulate(tmp_path, *RULE, "--json", "--since", "1h").stdout)["events"] == 2
    one = ("--events", str(tmp_path / "events-20260101T000000Z-0000.jsonl.gz"), "--json", "--zone", "shop")
    assert json.loads(simulate(tmp_path, *RULE, *one).stdout)["events"] == 2


def test_lines_that_are_no_events_are_counted_and_told(tmp_path: Path) -> None:
    bad = (b"\n", b"{\n", b"[]\n", b'{"RayID": 1}\n', b'{"ClientRequestMethod": "GET", "EdgeStartTimestamp": []}\n')
    done = simulate(write(tmp_path, line(), *bad, b"x" * (1024 * 1024 + 5) + b"\n", line()), *RULE, "--json")
    assert json.loads(done.stdout)["events"] == 2
    assert json.loads(done.stdout)["unreadable"] == 5
    assert f"5 lines are no events and were passed over, the first at {tmp_path / 'events.jsonl'}:3" in done.stderr


def test_what_events_hold_moves_no_terminal(tmp_path: Path) -> None:
    done = simulate(write(tmp_path, line(path="/\x1b[2J\u202e"), line(user_agent="\x07", path="/feed")), *RULE)
    assert "\x1b" not in done.output
    assert "\x07" not in done.output
    assert "\\x1b[2J\\u202e" in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give a rule"),
        (("--rule", "ssl"), "what does the rule do?"),
        (("--rule", "ssl", "--action", "skip"), "Invalid value"),
        (("--rule", "http.host like 1", "--action", "block"), "^^^^"),
        (("--rule", "ssl", "--action", "block", "--since", "yesterday"), "such as 30m"),
        (("--rule", "ssl", "--action", "block", "--data", "/nowhere"), "there are no events.jsonl files"),
        (("--config", "/nowhere.yaml"), "/nowhere.yaml"),
        (("--nothing",), "No such option"),
        (("--rule", "ssl", "--action", "block", "--store", "--admin", "127.0.0.1:1"), "127.0.0.1:1"),
    ],
)
def test_a_fault_of_the_call_is_no_result(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = simulate(write(tmp_path, line()), *options)
    assert done.exit_code == 64
    assert said in done.output


def test_no_requests_are_no_conclusion(tmp_path: Path) -> None:
    done = simulate(write(tmp_path, line(100_000)), *RULE)
    assert "nothing can be concluded from no requests" in done.output
    assert done.exit_code == 2
