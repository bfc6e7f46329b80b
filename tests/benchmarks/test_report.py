"""The benchmark reads what wrk says, and writes a table where README has a place for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import load, report
from benchmarks.subjects import rule_texts
from botproxy.rules import compile_expression

SAID = """Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.21ms  340.12us   9.01ms   92.11%
  Latency Distribution
     50%  913.00us
     75%    1.30ms
     90%    1.60ms
     99%    2.10ms
  52811 requests in 1.00s, 48.1MB read
{errors}Requests/sec:  52790.55
Transfer/sec:     48.05MB
"""


def test_rate_and_latencies_are_read_with_their_units() -> None:
    assert load.read(SAID.format(errors="")) == load.Measured(52790.55, 913.0, 2100.0, 0)


def test_wrong_answers_and_socket_errors_are_counted() -> None:
    errors = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 90\n"
    assert load.read(SAID.format(errors=errors)).errors == 100


def test_an_unreadable_report_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(RuntimeError, match="wrk said something else"):
        load.read("unable to connect")


def test_only_the_place_of_the_table_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put_into(readme, report.table(["a", "b"], [["1", "2"]]))
    assert readme.read_text() == (
        f"before\n{report.BEGIN}\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n{report.END}\nafter\n"
    )


def test_readme_has_a_place_for_the_table() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    assert readme.count(report.BEGIN) == readme.count(report.END) == 1


@pytest.mark.parametrize(("value", "text"), [(0.0123, "0.012"), (0.27, "0.27"), (1.56, "1.56")])
def test_small_ratios_keep_their_digits(value: float, text: str) -> None:
    assert report.ratio(value, 1.0) == text


def test_rules_of_the_benchmark_are_as_many_as_asked_for_and_compile() -> None:
    made = rule_texts(100)
    assert len(made) == 100
    for _, expression in made:
        compile_expression(expression)
