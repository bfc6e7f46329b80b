"""What runs in browsers is built when it changed, only then, small enough; a wheel carries it, and the known bots."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from botproxy.challenges.assets import bundle
from botproxy.errors import OperatorError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import assets  # noqa: E402

BUNDLES = json.loads((ROOT / "web" / "bundles.json").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree of its own, with the packages that are installed here."""
    for name in ("web", "tools", "config/bots"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (tmp_path / "web" / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "botproxy").mkdir()
    (tmp_path / "botproxy" / "__init__.py").touch()
    return tmp_path


def test_what_is_here_was_built_from_the_sources_as_they_are() -> None:
    assert assets.is_up_to_date(ROOT)


@pytest.mark.parametrize("one", BUNDLES, ids=lambda one: one["name"])
def test_a_bundle_is_small_enough(one: dict[str, object]) -> None:
    content = (ROOT / str(one["output"])).read_bytes()
    assert len(gzip.compress(content, 9)) <= int(str(one["gzipped"]))


@pytest.mark.parametrize("one", [one for one in BUNDLES if "/admin/" not in one["output"]], ids=lambda one: one["name"])
def test_a_bundle_for_any_page_is_plain_ascii(one: dict[str, object]) -> None:
    assert (ROOT / str(one["output"])).read_bytes().isascii()


def test_no_module_of_the_dashboard_needs_itself() -> None:
    room = ROOT / "web" / "dashboard"
    needs: dict[Path, set[Path]] = {}
    for file in (*room.rglob("*.ts"), *room.rglob("*.tsx")):
        named = re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', file.read_text())
        places = [(file.parent / name).resolve() for name in named]
        needs[file] = {place.with_suffix(end) for place in places for end in (".ts", ".tsx")}
    left = set(needs)
    while free := {file for file in left if not needs[file] & left}:
        left -= free
    assert sorted(file.relative_to(room).as_posix() for file in left) == []


def test_a_change_is_built_and_then_nothing(tree: Path) -> None:
    assert assets.build(tree)
    assert not assets.build(tree)
    (tree / "web" / "jsd" / "main.ts").write_text('document.title = "changed";\n')
    assert assets.build(tree)
    assert b"changed" in (tree / BUNDLES[0]["output"]).read_bytes()
    (tree / BUNDLES[0]["output"]).unlink()
    assert assets.build(tree)


def test_a_fault_in_a_source_is_shown(tree: Path) -> None:
    (tree / "web" / "jsd" / "main.ts").write_text("let let;\n")
    with pytest.raises(assets.AssetsError, match=r"main\.ts"):
        assets.build(tree)


def test_without_node_it_says_what_to_do(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "web" / ".built.json").unlink(missing_ok=True)
    monkeypatch.setattr(assets, "find_node", lambda: None)
    with pytest.raises(assets.AssetsError, match="make setup"):
        assets.build(tree)


def test_a_missing_bundle_is_said_with_what_builds_it() -> None:
    with pytest.raises(OperatorError, match=r"nothing\.js.* was not built: `make setup`"):
        bundle("nothing.js")


def test_packages_are_locked_by_hash_and_name_no_registry() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert {name for name, entry in packages.items() if "integrity" not in entry or "resolved" in entry} == set()


def test_a_wheel_carries_the_bundles_and_the_directory_of_bots(tree: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", "out", "."],
        cwd=tree, check=True, timeout=100,
    )  # fmt: skip
    with zipfile.ZipFile(next((tree / "out").glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {str(one["output"]) for one in BUNDLES} <= names
    assert {f"botproxy/bots/directory/{path.name}" for path in (ROOT / "config" / "bots").glob("*.yaml")} <= names


def test_a_wheel_is_not_built_without_them(tree: Path) -> None:
    shutil.rmtree(tree / "web", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", "out", "."],
        cwd=tree, check=False, timeout=100, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "build from a whole source tree" in done.stderr
