"""Setting up says plainly what is wrong, and does nothing when nothing has changed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "environment.py"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, pointed at a project in a temporary folder; installing is recorded instead of done."""
    spec = importlib.util.spec_from_file_location("environment", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for group in ("core", "build", "installer", "test"):
        (tmp_path / "requirements" / f"{group}.txt").write_text(f"# {group}\n")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "botproxy-groups.json")
    installed: list[list[str]] = []
    monkeypatch.setattr(module, "make_venv", lambda: None)
    monkeypatch.setattr(module, "install", installed.append)
    module.installed = installed
    return module


def test_a_second_setup_installs_nothing(environment: ModuleType) -> None:
    environment.main(["core"])
    environment.main(["core"])
    assert environment.installed == [["build", "core"]]


def test_a_group_once_installed_stays_installed(environment: ModuleType) -> None:
    environment.main(["test"])
    environment.main(["core"])
    assert environment.installed == [["build", "core", "test"]]
    assert json.loads(environment.STAMP.read_text())["groups"] == ["build", "core", "test"]


def test_a_changed_lock_file_is_installed(environment: ModuleType) -> None:
    environment.main(["core"])
    (environment.ROOT / "requirements" / "core.txt").write_text("# other\n")
    environment.main(["core"])
    assert len(environment.installed) == 2


def test_a_broken_stamp_means_installing_anew(environment: ModuleType) -> None:
    environment.STAMP.write_text("{")
    environment.main(["core"])
    assert len(environment.installed) == 1


def test_an_old_python_is_named_with_what_to_do(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\.2") as stopped:
        environment.main(["core"])
    assert "make setup PYTHON=" in str(stopped.value)


def test_a_group_without_a_lock_file_is_named(environment: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"no lock file requirements/nothing\.txt"):
        environment.main(["nothing"])
