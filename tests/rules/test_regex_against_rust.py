"""What our patterns match, held against the engine that the language was made for, where a tool that has it is here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.rules.patterns import PatternTooLarge, searcher
from botproxy.rules.regex import to_re2
from botproxy.rules.regex_fault import RegexFault

TOOL = shutil.which("rg")
PIECES = [
    "a", "b", "k", "é", ".", "^", "$", "|", "(", ")", "(?:", "(?i)", "(?x)", "(?u)", "(?s)", "(?m)", "(?U)", "(?-u)",
    "*", "+", "?", "*?", "{2}", "{2,3}", "{1,}", "a{1001}", "[", "[^", "]", "-", "&&", "~~", "--", "[:alpha:]", " ",
    "[:^digit:]", "[é-ω]", "[^é]", r"\d", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", r"\x41", r"\xff",
    r"\xe9", r"\x{e9}", r"\pL", r"\p{Greek}", r"\P{Lu}", r"\n",
]  # fmt: skip
VALUES = [
    b"a", b"ab", b"A b", b"a\nb", b"a\r\n", b"\xff", b"\xe9", "é".encode(), "aÉ".encode(), b"1_-", b"\v", b"K",
    "\u212a".encode(), "ſσς".encode(), b"\xc3", b"\xa9a", "한".encode(), b"a" * 1001, b"aab\xffb", b"-]", b"#a ",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("values")
    for number, value in enumerate(VALUES):
        (folder / str(number)).write_bytes(value)
    return folder


def there(pattern: str, folder: Path) -> set[int] | None:
    """Positions of the values that the tool finds the pattern in; None when it cannot read the pattern."""
    # The tool sets `m` on its own, and passes over an empty match at the end of a value.
    whole = rf"(?s-mu:\A.*?)(?-m:{pattern})"
    command = [str(TOOL), "-laU", "--no-unicode", "--no-ignore", "--no-config", "--encoding=none", "-e", whole]
    done = subprocess.run([*command, str(folder)], capture_output=True, check=False)
    return None if done.returncode > 1 else {int(Path(line).name) for line in done.stdout.decode().split()}


@pytest.mark.skipif(TOOL is None, reason="ripgrep is not here")
@settings(max_examples=150, deadline=None)
@given(pattern=st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join))
def test_patterns_match_the_same_values(folder: Path, pattern: str) -> None:
    try:
        matches = searcher(to_re2(pattern))
    except (RegexFault, PatternTooLarge):
        return
    expected = there(pattern, folder)
    if expected is not None:  # it may be older than the syntax
        assert {number for number, value in enumerate(VALUES) if matches(value)} == expected
