"""The directory that comes with the product, and what is said of files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botproxy.bots import Directory, DirectoryError, Settings, load_directory
from botproxy.bots.directory import parse_all
from botproxy.model import Headers

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


@pytest.fixture(scope="module")
def shipped() -> Directory:
    return load_directory(Settings())


def names(directory: Directory, user_agent: str) -> list[str]:
    return [bot.name for bot in directory.claimed(Headers(((b"User-Agent", user_agent.encode()),)))]


def built(text: str) -> Directory:
    return Directory.build(parse_all({"own.yaml": text}), {})


def problems(text: str) -> list[str]:
    with pytest.raises(DirectoryError) as caught:
        built(text)
    return list(caught.value.problems)


def test_the_shipped_directory_knows_at_least_150_bots_of_most_categories(shipped: Directory) -> None:
    assert len(shipped.bots) >= 150
    assert len({bot.category for bot in shipped.bots}) >= 16
    assert sum(bot.verifiable for bot in shipped.bots) >= 60


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ["Googlebot"]),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", ["Bingbot"]),
        ("Mozilla/5.0 (compatible; YandexMetrika/2.0; +http://yandex.com/bots)", ["YandexMetrika"]),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", ["facebookexternalhit"]),
        ("python-requests/2.32", []),
        (CHROME, []),
        ("", []),
    ],
)
def test_a_user_agent_names_the_bots_that_it_means(shipped: Directory, user_agent: str, expected: list[str]) -> None:
    assert names(shipped, user_agent) == expected


def test_previews_by_the_phones_of_people_are_not_taken_for_the_bots_that_they_name(shipped: Directory) -> None:
    said = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    said += "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
    assert names(shipped, said) == ["iMessage previews"]


@pytest.mark.parametrize(
    "library",
    [
        "Go-http-client/2.0",
        "okhttp/4.12",
        "node-fetch",
        "Dart/3.5 (dart:io)",
        "GuzzleHttp/7",
        "curl/8.5.0",
        "axios/1.7",
    ],
)
def test_no_generic_library_is_a_bot_of_the_directory(shipped: Directory, library: str) -> None:
    assert names(shipped, library) == []


def test_every_example_of_a_bot_that_can_be_verified_is_recognised(shipped: Directory) -> None:
    path = DATA / "well-known-bots.json"
    if not path.exists():
        pytest.skip("shared/data is not there")
    known = [bot for bot in json.loads(path.read_text()) if bot["verification"]]
    missed = [
        (bot["id"], example)
        for bot in known
        for example in bot["instances"]["accepted"]
        if not names(shipped, example) and bot["id"] != "cloudflare-prefetch"
    ]
    assert missed == []


def test_an_answer_is_the_same_when_it_is_remembered(shipped: Directory) -> None:
    for _ in range(4):
        assert names(shipped, "GPTBot/1.2") == ["GPTBot"]


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    told = problems(
        """
lists:
  here: {urls: [https://example.com/list.json]}
bots:
  - {name: One, user_agent: 'One(', category: Other}
  - {name: one, user_agent: One/, verify: {lists: [there]}}
  - {name: Two, user_agent: 'T.*|', category: Other}
  - {name: Three, verify: {networks: [10.0.0.0/7]}}
"""
    )
    assert len(told) == 5
    assert "bots[0].user_agent[0]: is no regular expression" in told[0]
    assert "the name `one` is here a second time" in told[1]
    assert "there is no list `there` — one of `lists`: here" in told[2]
    assert "matches every User-Agent" in told[3]
    assert "would verify a good part of the internet" in told[4]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: A, category: Crawler, user_agent: Abc/}", "Input should be"),
        ("{name: A}", "nothing tells it from others"),
        ("{name: A, user_agent: ab}", "at least 3 characters"),
        ("{name: A, user_agent: Abc/, verify: {ja4: [t13d]}}", "a JA4 can be imitated"),
        ("{name: A, user_agent: Abc/, verify: {}}", "one of `lists`, `networks`"),
        ("{name: A, user_agent: Abc/, verify: {domains: [Example.com]}}", "a domain is written in lower case"),
        ("{name: A, user_agent: Abc/, verify: {domains: [com]}}", "a domain is written in lower case"),
        ("{name: A, user_agent: Abc/, verify: {domains: [a.*.com]}}", "first label alone"),
        ("{name: A, verify: {domains: [example.com]}}", "add `user_agent`"),
        ("{name: A, user_agent: Abc/, verify: {networks: [10.0.0.1/8]}}", "not a network"),
        ("{name: A, verify: {signature_agent: 'http://a.example'}}", "an agent is written as it signs itself"),
        ("{name: A, verify: {signature_agent: 'https://a.example/x'}}", "an agent is written as it signs itself"),
        ("{name: A, verify: {keys: [{id: k}]}}", "either `ed25519` or `hmac_file`"),
        ("{name: A, verify: {keys: [{id: k, ed25519: short}]}}", "43 characters of base64url"),
        ("{name: A, verify: {keys: [{id: k, hmac_file: nowhere}]}}", "cannot be read"),
        ("{name: A, user_agent: Abc/, nonsense: 1}", "Extra inputs"),
    ],
)
def test_a_mistake_in_an_entry_is_explained(entry: str, said: str) -> None:
    assert any(said in problem for problem in problems(f"bots: [{entry}]"))


def test_a_list_without_https_is_refused() -> None:
    assert "a list is fetched from a URL such as" in problems("lists: {a: {urls: ['http://example.com/a']}}")[0]


def test_what_is_no_mapping_is_refused() -> None:
    assert "a mapping with `bots:`" in problems("- name: A")[0]
    assert "this is not YAML" in problems("bots: [")[0]


def test_secrets_are_read_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    own = tmp_path / "own.yaml"
    own.write_text("bots: [{name: App, verify: {keys: [{id: app, hmac_file: secret}]}}]")
    directory = load_directory(Settings(shipped=False, files=(own,)))
    bot, key = directory.key_owners["app"]
    assert bot.name == "App"
    assert key.material == b"0123456789abcdef0123456789abcdef"


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short\n")
    own = tmp_path / "own.yaml"
    own.write_text("bots: [{name: App, verify: {keys: [{id: app, hmac_file: secret}]}}]")
    with pytest.raises(DirectoryError, match="a secret of 5 bytes"):
        load_directory(Settings(shipped=False, files=(own,)))
