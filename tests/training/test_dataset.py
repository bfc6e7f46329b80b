"""The format of labelled requests: what is written comes back, and what is damaged is refused by line."""

from __future__ import annotations

import lzma
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.training import dataset
from botproxy.training.dataset import DatasetError, Labelled

ONE = Labelled(
    human=False, family="curl", client="curl-agent", version="8.5.0", behaviour="crawl", disguise="agent",
    generated=False, session="s1", step=0, time=12.5, address="198.18.3.4", method="GET", target="/shop?q=\xe9",
    http="HTTP/1.1", secure=True, host="site.test", headers=(("Host", "site.test"), ("X", "\xff")), body=0, kind="page",
    status=200, content_type="text/html", ja3="", ja4="t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", tls="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384", http2="", since=3.0,
)  # fmt: skip


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz", "data.jsonl.xz"])
def test_what_is_written_comes_back(tmp_path: Path, name: str) -> None:
    many = [ONE._replace(step=step, time=float(step)) for step in range(50)]
    assert dataset.write(tmp_path / name, {"title": "Test"}, many) == 50
    assert dataset.card(tmp_path / name) == {"title": "Test"}
    assert list(dataset.read(tmp_path / name)) == many


def test_the_same_requests_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz", "a.jsonl.xz", "b.jsonl.xz"):
        dataset.write(tmp_path / name, {}, [ONE])
    for kind in ("gz", "xz"):
        first, second = ((tmp_path / f"{name}.jsonl.{kind}").read_bytes()[12:] for name in "ab")
        assert first.rpartition(b"jsonl")[2] == second.rpartition(b"jsonl")[2]


def test_engines_are_given_what_the_proxy_saw() -> None:
    facts = dataset.facts(ONE)
    assert (facts.request.path, facts.request.query) == (b"/shop", b"q=\xe9")
    assert facts.request.headers.first(b"x") == b"\xff"
    assert facts.client.tls is not None
    assert facts.client.tls.ja4 == ONE.ja4
    assert facts.session is not None
    assert facts.request.received - facts.session.issued == 3.0
    assert dataset.facts(ONE._replace(since=None)).session is None


@pytest.mark.parametrize(
    "changed",
    [
        {"human": 1},
        {"time": -1.0},
        {"kind": "x"},
        {"headers": [["a"]]},
        {"address": "here"},
        {"target": "/\u20ac"},
        {"step": "0"},
    ],
    ids=str,
)
def test_a_damaged_line_is_named(tmp_path: Path, changed: dict[str, Any]) -> None:
    dataset.write(tmp_path / "d.jsonl", {}, [ONE, ONE._replace(**changed)])
    with pytest.raises(DatasetError, match="line 3: no request"):
        list(dataset.read(tmp_path / "d.jsonl"))


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(b'{"format": 2}\n')
    (tmp_path / "d.jsonl.xz").write_bytes(b"no")
    (tmp_path / "long.jsonl.xz").write_bytes(lzma.compress(b"[" * (dataset.LINE + 10)))
    for name in ("d.jsonl", "d.jsonl.xz", "long.jsonl.xz", "none.jsonl"):
        with pytest.raises(DatasetError):
            list(dataset.read(tmp_path / name))


def test_a_file_that_ends_too_early_says_so(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.xz"
    dataset.write(path, {}, [ONE._replace(step=step) for step in range(2000)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match="damaged"):
        list(dataset.read(path))


@given(text=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_are_read_or_refused(tmp_path: Path, text: bytes) -> None:
    dataset.write(tmp_path / "d.jsonl", {}, [ONE])
    with (tmp_path / "d.jsonl").open("ab") as file:
        file.write(text)
    with suppress(DatasetError):
        list(dataset.read(tmp_path / "d.jsonl"))
