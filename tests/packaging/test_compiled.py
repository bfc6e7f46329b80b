"""The compiled build behaves as the plain one: it passes the same tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / ".venv-compiled" / "bin"


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_the_compiled_build_passes_all_tests(part: Callable[[str], str]) -> None:
    part("cc")
    subprocess.run([sys.executable, "tools/environment.py", "--compiled", "test"], cwd=ROOT, check=True, timeout=900)
    where = subprocess.run(
        [COMPILED / "python", "-P", "-c", "import botproxy.proxy.front as front; print(front.__file__)"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert where.strip().endswith(".so")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [COMPILED / "pytest", "-n", "2", "-m", "not prove and not browser", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
