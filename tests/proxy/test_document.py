"""The page on HTTP says what happens: every row of its tables is tried, every list compared."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from botproxy.errors import ClientError
from botproxy.model import Client, Headers, Request
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.forwarding import HOP_BY_HOP, OURS, request_head, response_headers
from botproxy.proxy.head import check_head
from botproxy.proxy.target import normalise

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The rows of the table whose first row is `head`."""
    _, found, rest = PAGE.partition(f"\n{head}\n|---|---|\n")
    assert found, f"no table {head}"
    return [[cell.strip(" ") for cell in line[1:-1].split("|")] for line in rest.partition("\n\n")[0].splitlines()]


def spans(cell: str) -> list[bytes]:
    return [span.encode() for span in re.findall(r"`([^`]+)`", cell)]


def listed(mark: str) -> set[bytes]:
    found = re.search(rf"<!-- {mark} -->\n```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    return {name.encode() for name in found[1].split()}


@pytest.mark.parametrize(("asked", "got"), rows("| asked for | rules and origin get |"))
def test_a_path_is_spelled_as_the_page_says(asked: str, got: str) -> None:
    path, query = normalise(spans(asked)[0])
    assert (path if query is None else path + b"?" + query) == spans(got)[0]


@pytest.mark.parametrize(("refused", "because"), rows("| refused | because |"))
def test_a_target_is_refused_as_the_page_says(refused: str, because: str) -> None:
    with pytest.raises(ClientError) as caught:
        normalise(spans(refused)[0])
    assert caught.value.status == 400
    assert because


@pytest.mark.parametrize(("request_text", "status"), rows("| request | status |"))
def test_a_request_is_refused_with_the_status_that_the_page_says(request_text: str, status: str) -> None:
    head = b"\r\n".join(spans(request_text)) + b"\r\n\r\n"
    with pytest.raises(ClientError) as caught:
        check_head(*RequestReader(100).read(head))
    assert caught.value.status == int(status)


def test_the_lists_of_names_are_those_that_are_taken_out() -> None:
    assert listed("ours") == OURS
    assert listed("hop by hop") == HOP_BY_HOP


def test_the_headers_that_are_set_are_those_of_the_page() -> None:
    request = Request(
        "0" * 16, 0.0, b"GET", b"/", b"/", None, "HTTP/1.1", True, b"a.example", "a.example", Headers(()), 0
    )
    visitor = Client(ip_address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")
    sent = request_head(request, visitor, b"0" * 16 + b"-BOT").split(b"\r\n")[1:-2]
    assert [line.partition(b":")[0] for line in sent] == [spans(name)[0] for name, _ in rows("| header | value |")]


@pytest.mark.parametrize(("sent", "passes"), rows("| from the origin | visitor gets it |"))
def test_a_header_of_a_response_passes_as_the_page_says(sent: str, passes: str) -> None:
    name, _, value = spans(sent)[0].partition(b": ")
    for spelling in (name, name.lower(), name.upper()):
        assert bool(response_headers([(spelling, value)])) is {"yes": True, "no": False}[passes]
