"""Bots that say so themselves, and the entry that would verify one."""

from __future__ import annotations

import yaml

from botproxy.bots.directory import Directory, parse_all
from botproxy.bots.suggesting import MAX_ADDRESSES, candidates, common_domain, declared, entry

DIRECTORY = Directory.build(
    parse_all({"own": "bots: [{name: Known, operator: Some, category: Aggregator, user_agent: KnownBot/}]"})
)


def event(
    user_agent: str, address: str = "192.0.2.1", asn: int = 64500, source: str = "Heuristics"
) -> dict[str, object]:
    return {"ClientRequestUserAgent": user_agent, "ClientIP": address, "ClientASN": asn, "BotScoreSrc": source}


def test_who_says_so_and_is_not_verified_is_a_candidate() -> None:
    found = candidates(
        [
            event("Mozilla/5.0 (compatible; NewBot/1.0; +https://new.example)"),
            event("Mozilla/5.0 (compatible; NewBot/2.0; +https://new.example)", "192.0.2.2"),
            event("KnownBot/1"),
            event("KnownBot/1", source="Verified Bot"),
            event("Mozilla/5.0 (X11) Chrome/150.0 Safari/537.36"),
            {"nonsense": 1},
        ],
        DIRECTORY,
    )
    assert [(each.name, each.requests, dict(each.addresses)) for each in found] == [
        ("NewBot", 2, {"192.0.2.1": 1, "192.0.2.2": 1}),
        ("Known", 1, {"192.0.2.1": 1}),
    ]
    assert found[0].known is None
    assert found[1].known is not None
    assert found[0].asns == {64500: 2}


def test_what_is_counted_stays_bounded() -> None:
    many = (event("NewBot/1", f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}") for n in range(MAX_ADDRESSES + 50))
    (found,) = candidates(many, DIRECTORY)
    assert (found.requests, len(found.addresses)) == (MAX_ADDRESSES + 50, MAX_ADDRESSES)


def test_a_browser_does_not_say_that_it_is_a_bot() -> None:
    assert declared("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15") == ""
    assert declared("my-crawler/1.2") == "my-crawler"
    assert declared("bot") == ""


def test_the_domain_is_the_longest_that_all_names_share() -> None:
    def registered(name: str) -> str | None:
        return name if name.endswith("new.example") else None

    assert common_domain(["a.crawl.new.example", "b.crawl.new.example"], registered) == "crawl.new.example"
    assert common_domain(["a.one.new.example", "b.two.new.example"], registered) == "new.example"
    assert common_domain(["a.new.example", "b.other.example"], registered) == ""
    assert common_domain([], registered) == ""


def test_an_entry_can_be_used_as_it_is_written() -> None:
    (new, known) = candidates([event("Mozilla/5.0 (New.Bot/1.0)")] * 2 + [event("KnownBot/1")], DIRECTORY)
    text = "bots:\n" + entry(new, "new.example") + entry(known, "known.example")
    first, second = yaml.safe_load(text)["bots"]
    assert first == {
        "name": "New.Bot",
        "category": "Other",
        "user_agent": r"New\.Bot",
        "verify": {"domains": ["new.example"]},
    }
    assert second["operator"] == "Some"
    assert len(Directory.build(parse_all({"suggested": text})).bots) == 2
