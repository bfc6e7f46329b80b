"""A part that is missing is skipped by name with a count, and is a failure where every part is required."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
TESTS = """
import pytest

def test_with_a_program(part):
    import parts
    parts.PARTS["nothing"] = parts.Part("nothing", ("/nonexistent/program",))
    part("nothing")

def test_with_reference_data():
    pytest.skip("../shared/data is not here")
"""


def run_tests(folder: Path, **environment: str) -> str:
    project = folder / "project"
    (project / "tests").mkdir(parents=True)
    (project / "tools").symlink_to(CONFTEST.parents[1] / "tools")
    (project / "tests" / "conftest.py").write_text(CONFTEST.read_text())
    (project / "tests" / "test_parts.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA", str(project)]
    done = subprocess.run(
        command,
        check=False,
        cwd=project,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_missing_parts_are_skipped_and_counted(tmp_path: Path) -> None:
    output = run_tests(tmp_path)
    assert "skipped for missing parts: 1 (nothing: 1)" in output
    assert "2 skipped" in output


def test_a_missing_part_fails_where_all_are_required(tmp_path: Path) -> None:
    output = run_tests(tmp_path, BOTPROXY_REQUIRE_ALL="1")
    assert "1 failed, 1 skipped" in output
    assert "missing part: nothing" in output


def test_reference_data_is_required_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert "2 failed" in run_tests(tmp_path, BOTPROXY_REQUIRE_ALL="1")


@pytest.mark.parametrize("word", ["list", "install everything"])
def test_parts_tool_explains_itself(word: str) -> None:
    tool = CONFTEST.parents[1] / "tools" / "parts.py"
    done = subprocess.run(
        [sys.executable, tool, *word.split()], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == (0 if word == "list" else 1)
    assert ("usage:" in done.stderr) == (word != "list")
