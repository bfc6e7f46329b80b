"""Lines in the data directory, and the labels among them."""

from __future__ import annotations

from pathlib import Path

from botproxy.store import labels
from botproxy.store.labels import Label
from botproxy.store.lines import Lines

SAID = Label(1.0, "shop", "human", "ada", ray="a" * 16, source="report", note="my own phone")


def test_what_was_written_is_read_with_everything(tmp_path: Path) -> None:
    about = Label(2.0, "shop", "bot", "ada", expression="(ip.src eq 192.0.2.1)", since=1.0, until=2.0)
    labels.append(tmp_path, [SAID, about])
    assert labels.read(tmp_path) == [SAID, about]


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert labels.read(tmp_path) == []


def test_a_later_label_replaces_an_earlier_one_and_none_takes_it_back(tmp_path: Path) -> None:
    other = SAID._replace(zone="blog")
    labels.append(tmp_path, [SAID, other, SAID._replace(at=3.0, label="bot")])
    assert [(label.zone, label.label) for label in labels.read(tmp_path)] == [("blog", "human"), ("shop", "bot")]
    labels.append(tmp_path, [SAID._replace(at=4.0, label="none")])
    assert [label.zone for label in labels.read(tmp_path)] == ["blog"]


def test_a_line_that_a_crash_cut_in_two_costs_nothing_else(tmp_path: Path) -> None:
    labels.append(tmp_path, [SAID])
    with (tmp_path / "labels.jsonl").open("ab") as opened:
        opened.write(b'{"at": 2.0, "zone": "sh')
    later = SAID._replace(at=5.0, ray="b" * 16)
    labels.append(tmp_path, [later])
    assert labels.read(tmp_path) == [SAID, later]


def test_what_is_no_label_is_passed_over(tmp_path: Path) -> None:
    rows = [b"[]", b'{"at": 1}', b"null", b"\xff"]
    wrong = [SAID._replace(label="maybe"), SAID._replace(ray=""), SAID._replace(zone=7)]  # type: ignore[arg-type]
    labels.append(tmp_path, wrong)
    labels.FILE.append(tmp_path, rows)
    assert labels.read(tmp_path) == []


def test_files_are_put_aside_and_the_oldest_deleted(tmp_path: Path) -> None:
    lines = Lines("some", rotate_size=20, keep_files=2)
    for number in range(9):
        lines.append(tmp_path, [b'{"n": %d, "and": "more"}' % number])
    assert [row["n"] for row in lines.read(tmp_path)] == [6, 7, 8]
    assert len(list(tmp_path.iterdir())) == 3
