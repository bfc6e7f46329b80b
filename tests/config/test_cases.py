"""Every configuration in `cases/` is refused, or warned about, exactly as its `#!` lines say."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.config import ConfigError, Source, examine

CASES = Path(__file__).parent / "cases"


def expected(case: Path) -> list[str]:
    """The messages of a case: `#! ` begins one, `#!   ` continues it on a further line.

    One that ends in `…` leaves the rest, the words of the rules language, to the tests of that room.
    """
    messages: list[str] = []
    for line in case.read_text(encoding="utf-8").splitlines():
        if line.startswith("#!   "):
            messages[-1] += "\n" + line[5:]
        elif line.startswith("#! "):
            messages.append(line[3:])
    return messages


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda case: case.stem)
def test_everything_wrong_is_said_with_its_line_and_column(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more and no less is said than the case expects, in the order of the file."""
    monkeypatch.chdir(CASES)
    monkeypatch.delenv("BOTPROXY_ADMIN_TOKEN", raising=False)
    try:
        warnings = examine(Source.from_file(case.name)).warnings
        said = ["fine", *(f"warning {problem}" for problem in warnings)]
    except ConfigError as error:
        said = list(map(str, error.problems))
    said = [text.replace(f"{case.name}:", "", 1) for text in said]
    wanted = expected(case)
    cut = [
        text[: len(want) - 1] + "…" if want.endswith("…") else text for text, want in zip(said, wanted, strict=False)
    ]
    assert cut + said[len(wanted) :] == wanted
