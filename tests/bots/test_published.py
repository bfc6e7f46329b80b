"""Published lists: their forms, what is not taken, and the way to disk and to workers."""

from __future__ import annotations

import contextlib
import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.addresses import NetworkSet
from botproxy.bots.directory import PublishedList
from botproxy.bots.published import (
    MAX_NETWORKS,
    Fetched,
    ListError,
    pack,
    parse_published,
    read_lists,
    unpack,
    write_list,
)

ANY = PublishedList("any", ("https://example.com/list",))


def networks(text: str, wanted: PublishedList = ANY) -> list[str]:
    return [str(each) for each in parse_published(text.encode(), wanted)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"creationTime": "2026-11-01T10:00:00", "prefixes": [{"ipv4Prefix": "66.249.64.0/27"}, '
         '{"ipv6Prefix": "2001:4860:4801:10::/64"}]}', ["66.249.64.0/27", "2001:4860:4801:10::/64"]),
        ('["1.1.1.1", "8.8.8.8"]', ["1.1.1.1/32", "8.8.8.8/32"]),
        ('{"a": ["1.1.1.1"], "b": {"c": [{"ip": "8.8.8.8"}]}, "version": "1.2"}', ["1.1.1.1/32", "8.8.8.8/32"]),
        ("1.1.1.1\n8.8.8.8\n", ["1.1.1.1/32", "8.8.8.8/32"]),
        ("\ufeff1.1.1.1\r\n# comment\r\n\r\n8.8.8.0/24  # more\r\n", ["1.1.1.1/32", "8.8.8.0/24"]),
        ("31.13.24.0/21,US,US-CA,Menlo Park,\n2a03:2880::/32,IE,,,\n", ["31.13.24.0/21", "2a03:2880::/32"]),
        ("prefix,country\n31.13.24.0/21,US\n", ["31.13.24.0/21"]),
        ("1.1.1.7/24\n", ["1.1.1.0/24"]),
        ("1.1.1.1\n1.1.1.1\n", ["1.1.1.1/32"]),
    ],
)  # fmt: skip
def test_every_form_of_a_list_is_read(text: str, expected: list[str]) -> None:
    assert networks(text) == expected


def test_a_part_of_a_document_can_be_meant() -> None:
    document = json.dumps(
        {
            "prefixes": [{"ip_prefix": "1.1.1.0/24", "service": "A"}, {"ip_prefix": "8.8.8.0/24", "service": "B"}],
            "hooks": ["9.9.9.0/24"],
        }
    )
    assert networks(document, ANY._replace(where=(("service", "B"),))) == ["8.8.8.0/24"]
    assert networks(document, ANY._replace(key="hooks")) == ["9.9.9.0/24"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no networks"),
        ("{}", "no networks"),
        ("<!DOCTYPE html><html>", "a web page"),
        ("{", "broken JSON"),
        ("1.1.1.1\nnonsense\n", "line 2 begins with no network"),
        ("0.0.0.0/0", "too much of the internet"),
        ("::/0", "too much of the internet"),
        ("1.0.0.0/7", "too much of the internet"),
        ("10.1.2.3", "not part of the internet"),
        ("127.0.0.1", "not part of the internet"),
        ("169.254.169.254", "not part of the internet"),
        ("fe80::1", "not part of the internet"),
        ("::1", "not part of the internet"),
        ("::ffff:1.1.1.1", "in disguise"),
        ("[" * 40 + "]" * 40, "nested too deeply"),
    ],
)
def test_what_is_no_list_is_not_taken(text: str, why: str) -> None:
    with pytest.raises(ListError, match=why):
        networks(text)


def test_what_is_no_text_or_too_much_is_not_taken() -> None:
    with pytest.raises(ListError, match="UTF-8"):
        parse_published(b"\xff\xfe", ANY)
    many = "\n".join(f"1.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(MAX_NETWORKS + 1))
    with pytest.raises(ListError, match="more than"):
        networks(many)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=80), st.text('[]{}",:0123456789./abc\n', max_size=80).map(str.encode)))
def test_no_answer_breaks_the_reader(raw: bytes) -> None:
    with contextlib.suppress(ListError):
        parse_published(raw, ANY)


def test_a_list_is_kept_with_its_date_and_source(tmp_path: Path) -> None:
    fetched = Fetched("any", ANY.urls, 1_800_000_000.0, (ip_network("1.1.1.0/24"), ip_network("2a03:2880::/32")))
    write_list(tmp_path / "lists", fetched)
    said = json.loads((tmp_path / "lists" / "any.json").read_text())
    assert (said["urls"], said["fetched"]) == (["https://example.com/list"], 1_800_000_000.0)
    assert read_lists(tmp_path / "lists", ["any", "other"]) == {"any": fetched}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"urls": [], "fetched": "x", "networks": []}',
     '{"urls": [], "fetched": 1, "networks": ["10.0.0.0/8"]}'],
)  # fmt: skip
def test_a_broken_file_is_no_list(tmp_path: Path, content: str) -> None:
    (tmp_path / "any.json").write_text(content)
    assert read_lists(tmp_path, ["any"]) == {}


def test_a_list_arrives_at_a_worker_as_it_was() -> None:
    fetched = Fetched("any", (), 5.0, (ip_network("1.1.1.0/25"), ip_network("1.1.1.128/25"), ip_network("2a03::/32")))
    name, when, found = unpack(pack(fetched))
    assert (name, when, len(found)) == ("any", 5.0, 2)
    for text, expected in (("1.1.1.255", True), ("1.1.2.0", False), ("2a03::1", True), ("2a04::", False)):
        assert (ip_address(text) in found) is expected
    assert found.ranges() == NetworkSet(fetched.networks).ranges()
