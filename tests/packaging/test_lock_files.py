"""The lock files are complete, hashed, free of addresses and of one mind."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    return dict(_PIN.findall(path.read_text()))


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def test_every_group_has_a_lock_file() -> None:
    assert {path.stem for path in LOCKS} == {"core", *PROJECT["dependency-groups"]}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_lock_names_no_download_address(path: Path) -> None:
    assert "://" not in path.read_text()


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_pin_has_hashes(path: Path) -> None:
    blocks = re.split(r"(?m)^(?=[a-z0-9-]+==)", path.read_text())[1:]
    assert blocks
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_a_package_has_the_same_version_in_every_group() -> None:
    versions: dict[str, set[str]] = {}
    for path in LOCKS:
        for name, version in pins(path).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_locks_cover_what_the_project_asks_for() -> None:
    """A dependency that was added without `make lock` is noticed here, not on a fresh machine."""
    groups = {"core": PROJECT["project"]["dependencies"], **PROJECT["dependency-groups"]}
    absent = {
        f"{group}: {requirement}"
        for group, requirements in groups.items()
        for requirement in requirements
        if name_of(requirement) not in pins(ROOT / "requirements" / f"{group}.txt")
    }
    assert absent == set()
