"""The container image builds without an engine, runs without rights on a read-only root, and enforces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PROOF = Path(__file__).resolve().parents[2] / "tools" / "prove_image.sh"


@pytest.mark.prove
@pytest.mark.timeout(1500)
def test_image_builds_and_runs_as_compose_would_run_it(part: Callable[[str], str]) -> None:
    for name in ("buildah", "debootstrap", "curl"):
        part(name)
    if os.geteuid() != 0:
        pytest.skip("missing part: root, for chroot and mounts")
    done = subprocess.run([PROOF], capture_output=True, text=True, timeout=1400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it ended cleanly on SIGTERM" in done.stdout
