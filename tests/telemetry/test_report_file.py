"""Reports are kept in the order in which they came, and never more of them than fit."""

from __future__ import annotations

from pathlib import Path

import orjson

from botproxy.telemetry import report_file


def test_files_are_put_aside_and_the_oldest_go(tmp_path: Path) -> None:
    for number in range(40):
        report_file.append(tmp_path, [orjson.dumps({"number": number, "note": "x" * 80})], rotate_size=300)
    kept = [report["number"] for report in report_file.read(tmp_path)]
    assert kept == list(range(kept[0], 40))
    assert 10 < len(kept) < 25
    assert len(list(tmp_path.iterdir())) == report_file.KEEP_FILES + 1


def test_what_is_no_report_is_passed_over(tmp_path: Path) -> None:
    assert list(report_file.read(tmp_path)) == []
    report_file.append(tmp_path, [b'{"a": 1}', b"[]", b'{"cut', b'{"a": 2}'])
    assert [report["a"] for report in report_file.read(tmp_path)] == [1, 2]
