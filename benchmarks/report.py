"""Figures into Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

BEGIN, END = "<!-- benchmark: written by `make bench` -->", "<!-- /benchmark -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def count(value: float) -> str:
    return f"{value:,.0f}"


def ratio(value: float, reference: float) -> str:
    return f"{value / reference:.3f}" if value / reference < 0.1 else f"{value / reference:.2f}"


def microseconds(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def put_into(readme: Path, text: str) -> None:
    """Replace what stands between the two marks."""
    whole = readme.read_text()
    before, _, rest = whole.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise RuntimeError(f"{readme} has no place for the benchmark: {BEGIN} … {END}")
    readme.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{after}")
