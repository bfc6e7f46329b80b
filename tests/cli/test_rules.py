"""`botproxy rules eval`: true or false, why, and exit codes that scripts can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from botproxy.cli.rules import rules

HEAD = b"POST /login?next=%2F HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: A/1\r\nX: a: b \r\n\r\nname=x\r\n"
EVENT = {
    "ClientRequestMethod": "GET",
    "ClientRequestScheme": "https",
    "ClientRequestHost": "shop.example",
    "ClientRequestURI": "/a?b=c",
    "EdgeResponseStatus": 200,
    "BotScore": 7,
}
HAR = {"log": {"entries": [{"request": {"method": "GET", "url": "https://shop.example/a?b=c#d", "headers": []}}]}}


def run(expression: str, content: bytes, *options: str) -> Result:
    return CliRunner().invoke(rules, ["eval", expression, "--request", "-", *options], input=content)


def test_each_part_is_shown_with_its_value() -> None:
    done = run(
        'http.host eq "shop.example" and not (ssl or http.user_agent contains "B")',
        HEAD,
        "--score",
        "40",
        "--http",
    )
    assert done.exit_code == 0, done.output
    assert done.output == (
        "a request head: POST /login?next=%2F of shop.example\n"
        "note: no address was given: ip.src is taken to be 192.0.2.1 (--ip)\n"
        "\n"
        'true   http.host eq "shop.example" and not (ssl or http.user_agent contains "B")\n'
        '├─ true   http.host eq "shop.example"\n'
        '│  └─ http.host = "shop.example"\n'
        '└─ true   not (ssl or http.user_agent contains "B")\n'
        '   └─ false  ssl or http.user_agent contains "B"\n'
        "      ├─ false  ssl\n"
        "      │  └─ ssl = false\n"
        '      └─ false  http.user_agent contains "B"\n'
        '         └─ http.user_agent = "A/1"\n'
    )


def test_what_is_missing_is_shown_as_missing() -> None:
    done = run(
        'any(lower(http.request.headers["y"][*])[*] eq "a") or ip.src.country eq "DE"',
        HEAD,
        "--score",
        "1",
    )
    assert done.exit_code == 1
    assert 'lower(http.request.headers["y"][*])[*] = missing' in done.output
    assert "ip.src.country = missing" in done.output


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        ("cf.bot_management.score eq 7", ("--score", "7")),
        ("ip.src eq 2001:db8::7", ("--ip", "2001:db8::7")),
        (
            'cf.bot_management.verified_bot and cf.verified_bot_category eq "Security"',
            ("--verified-bot", "Security"),
        ),
        ("cf.bot_management.js_detection.passed", ("--js", "passed")),
        (
            'ip.src.country eq "DE" and ip.src.asnum eq 64512',
            ("--country", "de", "--asn", "64512"),
        ),
        (
            'cf.bot_management.ja3_hash eq "a" and cf.bot_management.ja4 eq "b"',
            ("--ja3", "a", "--ja4", "b"),
        ),
        ("ssl", ("--https",)),
        ("not ssl", ("--http",)),
        ('http.request.body.raw contains "name=x"', ()),
        ('http.request.uri.args["next"][0] eq "%2F"', ()),
    ],
)
def test_facts_can_be_supposed(expression: str, options: tuple[str, ...]) -> None:
    done = run(expression, HEAD, *options)
    assert done.exit_code == 0, done.output


def test_without_a_score_heuristics_give_one_as_the_proxy_does() -> None:
    done = run(
        "cf.bot_management.score eq 1",
        b"GET / HTTP/1.1\nHost: a.example\nUser-Agent: curl/8.5.0\nAccept: */*\n",
    )
    assert done.exit_code == 0
    assert "note: the bot score is 1, by heuristics alone: The User-Agent says that this is curl." in done.output


def test_an_event_brings_its_own_facts() -> None:
    event = EVENT | {
        "ClientIP": "198.51.100.9", "ClientCountry": "FR", "ClientASN": 64513, "JSDetectionPassed": "passed",
        "VerifiedBotCategory": "Security", "BotDetectionIDs": [33556432], "JA4": "t13d", "ClientSSLProtocol": "TLSv1.3",
        "EdgeStartTimestamp": "2026-01-02T03:04:05Z",
    }  # fmt: skip
    done = run(
        'cf.bot_management.score eq 7 and ip.src eq 198.51.100.9 and ip.src.country eq "FR" and ip.src.asnum eq 64513 '
        'and cf.bot_management.js_detection.passed and cf.verified_bot_category eq "Security" and '
        'any(cf.bot_management.detection_ids[*] eq 33556432) and cf.bot_management.ja4 eq "t13d" and '
        'cf.tls_version eq "TLSv1.3" and http.request.timestamp.sec eq 1767323045 and http.response.code eq 200',
        json.dumps(event).encode(),
    )
    assert done.exit_code == 0, done.output
    assert "an event has no headers but Host" in done.output


def test_an_event_whose_scoring_failed_has_no_bot_fields() -> None:
    event = json.dumps(EVENT | {"BotScore": 0, "BotproxyScoringFailed": True}).encode()
    done = run("not cf.bot_management.score ge 30", event)
    assert done.exit_code == 0
    assert "note: without bot fields the proxy does not evaluate this rule at all" in done.output


@pytest.mark.parametrize(
    "junk",
    [{"BotScore": "x", "ClientASN": [], "ClientIP": 7, "BotDetectionIDs": {"a": 1}}],
)
def test_an_event_with_junk_in_it_is_read_for_the_rest(junk: dict[str, object]) -> None:
    assert run('http.host eq "shop.example"', json.dumps(EVENT | junk).encode()).exit_code == 0


def test_a_har_file_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_text(json.dumps(HAR))
    done = CliRunner().invoke(
        rules,
        ["eval", 'http.request.uri eq "/a?b=c" and ssl', "--request", str(path), "-q"],
    )
    assert (done.exit_code, done.output) == (0, "")


def test_lists_come_from_a_configuration(tmp_path: Path) -> None:
    config = tmp_path / "botproxy.yaml"
    config.write_text(
        "lists: [{name: office, kind: ip, items: [192.0.2.0/24]}]\n"
        "zones: [{name: site, hosts: [a.example], origins: ['http://127.0.0.1:1']}]\n"
    )
    done = run("ip.src in $office", HEAD, "--config", str(config))
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("expression", "content", "options", "said"),
    [
        (
            "http.hots eq 1",
            HEAD,
            (),
            "Filter parsing error (1:1):\nhttp.hots eq 1\n^^^^^^^^^ unknown identifier",
        ),
        ("ssl", b"", (), "it is empty"),
        ("ssl", HEAD, ("--ip", "nowhere"), "`nowhere` is no address"),
        (
            "ssl",
            b"GET /..%2f HTTP/1.1\nHost: a",
            (),
            "the proxy answers this request with 400 before any rule",
        ),
        ("ip.src in $office", HEAD, (), "unknown list $office"),
        ("ssl", HEAD, ("--config", "/nowhere.yaml"), "/nowhere.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_and_the_exit_code_is_two(
    expression: str, content: bytes, options: tuple[str, ...], said: str
) -> None:
    done = run(expression, content, *options)
    assert done.exit_code == 2
    assert said in done.output


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(rules, ["eval", "ssl", "--request", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "none cannot be read: No such file or directory" in done.output


def test_nothing_that_a_request_says_reaches_the_terminal_as_it_is() -> None:
    done = run(
        'http.user_agent contains "x"',
        b"GET /\x1b]0;x HTTP/1.1\nHost: a.example\nUser-Agent: \x1b[2Jx" + b"y" * 500,
    )
    assert "\x1b" not in done.output
    done = run(
        'http.user_agent contains "x"',
        b"GET / HTTP/1.1\nHost: a.example\nUser-Agent: \xff\xe2\x80\xaex" + b"y" * 500,
    )
    assert "\u202e" not in done.output
    assert "\\xff" in done.output
    assert max(map(len, done.output.splitlines())) < 300


def test_the_default_preset_is_printed_with_its_comments() -> None:
    done = CliRunner().invoke(rules, ["preset"])
    assert done.exit_code == 0
    assert done.output.startswith("# The preset `default`")
    assert "ref: definitely-automated" in done.output
