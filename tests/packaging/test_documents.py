"""What README and docs say can be done exists: links, make targets, commands, files of the image."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from botproxy.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
MAKEFILE = (ROOT / "Makefile").read_text()
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target, anchor in _LINK.findall(document.read_text()):
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    for document in DOCUMENTS:
        named = re.findall(r"(?:^\$ |`)make ([a-z]+)", document.read_text(), re.MULTILINE)
        assert set(named) <= targets, document.name


def test_every_command_that_is_named_exists() -> None:
    """`botproxy WORD` in a code block or in backticks is a command, or an option."""
    known = set(main.list_commands(click.Context(main)))
    for document in DOCUMENTS:
        named = re.findall(
            r"(?:^\$ (?:docker compose exec proxy )?|`)botproxy ([a-z]+(?:-[a-z]+)*)",
            document.read_text(),
            re.MULTILINE,
        )
        assert set(named) <= known, document.name


def test_continuous_integration_calls_what_readme_tells_people_to_call() -> None:
    calls = re.findall(r"^make [a-z]+", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert calls == ["make check", "make test"]
    readme = (ROOT / "README.md").read_text()
    assert all(f"$ {call}" in readme for call in calls)


def test_readme_says_what_score_fifty_means() -> None:
    assert "score 50, source `Not Computed`" in (ROOT / "README.md").read_text()


def test_image_copies_only_what_exists_and_is_let_in() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE) for word in line.split()[:-1]
    ]
    admitted = tuple(line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!"))
    assert sources
    assert [source for source in sources if not (ROOT / source).exists() or not source.startswith(admitted)] == []


def test_compose_runs_without_rights_and_with_a_read_only_root() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert "data:/data" in compose["services"]["proxy"]["volumes"]


@pytest.mark.parametrize("folder", ["config", "cluster"])
def test_configuration_of_the_image_passes_the_check(folder: str) -> None:
    result = CliRunner().invoke(main, ["check", str(ROOT / "docker" / folder / "botproxy.yaml")])
    assert result.exit_code == 0, result.output


def test_the_nodes_of_the_cluster_are_those_that_its_load_balancer_knows() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    named = re.findall(
        r"^    server \w+ ([\w-]+):8080$", (ROOT / "docker/cluster/haproxy.cfg").read_text(), re.MULTILINE
    )
    nodes = [name for name in compose["services"] if name.startswith("proxy-")]
    assert named == nodes == ["proxy-1", "proxy-2"]
    settings = (ROOT / "docker/cluster/botproxy.yaml").read_text()
    (subnet,) = compose["networks"]["cluster"]["ipam"]["config"]
    assert settings.count(subnet["subnet"]) == 2
    assert {"valkey", "clickhouse", "loadbalancer"} < compose["services"].keys()
