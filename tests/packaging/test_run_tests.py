"""`make test` runs what failed once more by itself: what is wrong still fails, what was only crowded out does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
CROWDED_OUT = """
from pathlib import Path

def test_passes_the_second_time():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""


def run(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    program = (
        f"import sys; sys.path.insert(0, {str(TOOLS)!r}); import run_tests; from pathlib import Path;"
        f"sys.exit(run_tests.main(['-n', '2', '--dist', 'worksteal', '-q'], Path({str(folder)!r})))"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_what_passes_by_itself_is_named_and_fails_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, CROWDED_OUT)
    assert done.returncode == 0, done.stdout
    assert "worth mending: test_it.py::test_passes_the_second_time" in done.stdout


def test_what_is_wrong_fails_twice(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_wrong():\n    assert 1 == 2\n")
    assert done.returncode == 1
    assert done.stdout.count("1 failed") == 2


def test_when_many_fail_nothing_is_run_again(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.mark.parametrize('n', range(20))\ndef test_wrong(n):\n    assert n is None\n"
    done = run(tmp_path, source)
    assert done.returncode == 1
    assert done.stdout.count("20 failed") == 1
    assert "once more" not in done.stdout


def test_an_old_failure_is_not_taken_for_one_of_this_run(tmp_path: Path) -> None:
    run(tmp_path, "def test_wrong():\n    assert 1 == 2\n")
    done = run(tmp_path, "def test_right():\n    pass\n")
    assert done.returncode == 0
    assert "once more" not in done.stdout
