"""Hooks of a configuration: what is warned about, and that the same code is imported once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botproxy.config import ConfigError, Source, examine


def written(tmp_path: Path, *hooks: dict[str, Any]) -> Source:
    zones = [
        {"name": f"z{at}", "hosts": [f"z{at}.example"], "origins": ["http://127.0.0.1:3000"], "hook": hook}
        for at, hook in enumerate(hooks)
    ]
    file = tmp_path / "botproxy.yaml"
    file.write_text(json.dumps({"secret_file": "auto", "zones": zones}))
    return Source.from_file(file)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    made = tmp_path / "hooks"
    made.mkdir(mode=0o755)
    (made / "shop_hook.py").write_text(
        "import os, pathlib\n"
        "with pathlib.Path('imported').open('a') as log:\n    log.write(f'{os.getpid()}\\n')\n"
        "def decide(request):\n    return None\n"
        "def count(request):\n    return None\n"
    )
    return made


def test_paths_start_at_the_file_and_the_same_code_is_imported_once(tmp_path: Path, directory: Path) -> None:
    one = {"module": "shop_hook:decide", "directory": "hooks"}
    examined = examine(written(tmp_path, one, one, {**one, "module": "shop_hook:count"}, one))
    assert examined.warnings == ()
    assert len(set((directory / "imported").read_text().split())) == 2
    hook = examined.config.zones[0].hook
    assert hook is not None
    assert hook.directory == directory


def test_a_directory_that_everybody_can_write_to_is_warned_about(tmp_path: Path, directory: Path) -> None:
    directory.chmod(0o777)
    (warning,) = examine(written(tmp_path, {"module": "shop_hook:decide", "directory": "hooks"})).warnings
    assert warning.path == "zones[0].hook.directory"
    assert "everybody on this machine can put code into" in warning.what


def test_a_fault_is_told_in_every_zone_that_has_it(tmp_path: Path, directory: Path) -> None:
    (directory / "shop_hook.py").write_text("\nraise OSError(28, 'No space left')\n")
    one = {"module": "shop_hook:decide", "directory": "hooks"}
    with pytest.raises(ConfigError) as caught:
        examine(written(tmp_path, one, one))
    assert [problem.path for problem in caught.value.problems] == ["zones[0].hook.module", "zones[1].hook.module"]
    assert f"{directory}/shop_hook.py:2: OSError: [Errno 28] No space left" in caught.value.problems[0].what
