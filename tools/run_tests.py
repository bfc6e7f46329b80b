"""Run pytest; what failed among others is run once more by itself, and that decides: `tools/run_tests.py [OPTION...]`.

Tests here drive real browsers, servers and clocks, several at a time on as few as two cores. A test that fails because
another one took the processor passes alone; a test that fails because the product is wrong fails again. Those that
passed only alone are named at the end, for they are worth mending. When many fail it is not the machine, and nothing is
run again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_RUN_AGAIN = 12
LAST_FAILED = Path(".pytest_cache", "v", "cache", "lastfailed")
TESTS_FAILED = 1  # pytest's exit code when it ran whole and some test failed
PYTEST = [sys.executable, "-m", "pytest"]


def failed(root: Path) -> list[str]:
    """The tests that failed in the last run, as pytest remembers them."""
    try:
        remembered = json.loads((root / LAST_FAILED).read_text())
    except (OSError, ValueError):
        return []
    return sorted(remembered)


def without_jobs(options: list[str]) -> list[str]:
    """The options, less `-n N` and `--dist HOW`: the second run has the machine for itself."""
    kept: list[str] = []
    words = iter(options)
    for word in words:
        if word in ("-n", "--numprocesses", "--dist"):
            next(words, None)
        elif not word.startswith(("-n", "--numprocesses=", "--dist=")):
            kept.append(word)
    return kept


def main(options: list[str], root: Path = ROOT) -> int:
    (root / LAST_FAILED).unlink(missing_ok=True)
    first = subprocess.run([*PYTEST, *options], cwd=root, check=False).returncode
    again = failed(root)
    if first != TESTS_FAILED or not 0 < len(again) <= MOST_RUN_AGAIN:
        return first
    print(f"\nfailed beside others: {len(again)}; once more, each by itself", flush=True)
    alone = [*PYTEST, *without_jobs(options), "--last-failed", "--last-failed-no-failures", "none"]
    second = subprocess.run(alone, cwd=root, check=False).returncode
    if second == 0:
        print("passed only by itself, worth mending: " + ", ".join(again), flush=True)
    return second


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
