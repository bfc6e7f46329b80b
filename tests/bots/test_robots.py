"""What is asked of bots in robots.txt."""

from __future__ import annotations

from botproxy.bots import Settings, load_directory
from botproxy.bots.robots import joined, managed

BOTS = load_directory(Settings()).bots


def test_bots_for_training_are_asked_by_their_own_names() -> None:
    text = managed(BOTS, {"training"}).decode()
    lines = text.splitlines()
    assert lines[0].startswith("# ")
    assert {"User-agent: GPTBot", "User-agent: ClaudeBot", "User-agent: Google-Extended", "User-agent: CCBot"} <= set(
        lines
    )
    assert lines[-1] == "Disallow: /"
    assert lines.count("Disallow: /") == 1
    assert "Googlebot" not in text
    assert "Bytespider" not in text, "it does not say that it would obey"


def test_a_search_engine_is_not_meant_by_searches_of_artificial_intelligence() -> None:
    text = managed(BOTS, {"search", "agent"}).decode()
    assert "User-agent: OAI-SearchBot\n" in text
    assert "User-agent: ChatGPT-User\n" in text
    assert text.count("Disallow: /") == 2
    assert "bingbot" not in text
    assert "GPTBot\n" not in text


def test_without_a_purpose_nothing_is_said() -> None:
    assert managed(BOTS, set()) == b""


def test_ours_comes_before_theirs_and_groups_stay_apart() -> None:
    assert joined(b"User-agent: A\nDisallow: /\n", b"\xef\xbb\xbfUser-agent: *\n") == (
        b"User-agent: A\nDisallow: /\n\nUser-agent: *\n"
    )
    assert joined(b"User-agent: A\nDisallow: /\n", b"") == b"User-agent: A\nDisallow: /\n"
