"""What the pages for operators show is tried: configurations are examined, rules compiled and judged, commands run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner

from botproxy.cli import main
from botproxy.config import Config, ConfigError, Source, ZoneSettings, examine
from botproxy.config.lints import LINTS
from botproxy.config.lints.samples import sample
from botproxy.rules import Lists, NamedList, compile_expression
from botproxy.rules.lists import unread

DOCS = Path(__file__).parents[2] / "docs"
OTHER = {"scrape_configs"}
"""First keys of YAML that is for another program."""

ELSEWHERE = ("cannot be read", "there is no directory", "speaks TLS without a certificate")
"""Faults of what a page need not show: files, and the certificate of a listener."""


class Block(NamedTuple):
    """A block of code with the page and line that it begins on."""

    page: str
    line: int
    kind: str  # what stands behind the three backticks
    text: str


class AnyList(dict[str, NamedList]):
    """Lists of every name."""

    def get(self, key: str, default: object = None) -> NamedList:
        return unread(key)


def blocks() -> Iterator[Block]:
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text("utf-8")
        for found in re.finditer(r"^```([^\n`]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield Block(page.name, text.count("\n", 0, found.start()) + 1, found[1].strip(), found[2])


def of_kind(*kinds: str) -> list[Any]:
    chosen = [block for block in blocks() if block.kind.split(" ")[0] in kinds]
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in chosen]


def completed(given: Any) -> dict[str, Any] | None:
    """A whole configuration around what a page shows of one; None for what is none."""
    zone: dict[str, Any] = {"name": "shop", "hosts": ["shop.example"], "origins": ["http://127.0.0.1:3000"]}
    whole: dict[str, Any] = {"secret_file": "auto"}
    if isinstance(given, list):
        if not all(isinstance(each, dict) and "action" in each for each in given):
            return None
        zone["rules"] = given
    elif not isinstance(given, dict) or not given or OTHER & given.keys() or isinstance(given.get("bots"), list):
        return None  # a file of another program, or one of bots
    elif given.keys() <= Config.model_fields.keys():
        whole |= given
    else:
        # A page that shows keys of a site may show some of the whole beside them.
        for key, value in given.items():
            (zone if key in ZoneSettings.model_fields else whole)[key] = value
    blog = zone | {"name": "blog", "hosts": ["blog.example"]}
    zones = [zone | each for each in whole["zones"]] if "zones" in whole else [zone, blog]
    return whole | {"zones": zones}


def configured(directory: Path, text: str) -> Path | None:
    whole = completed(yaml.safe_load(re.sub(r"(, *)?…", "", text)))  # `…` is where a page leaves something out
    if whole is None:
        return None
    file = directory / "botproxy.yaml"
    file.write_text(json.dumps(whole))
    return file


def test_there_is_something_to_try() -> None:
    kinds = [block.kind.split(" ")[0] for block in blocks()]
    assert kinds.count("yaml") >= 15
    assert kinds.count("rule") >= 9
    assert "rules eval" in "".join(block.text for block in blocks() if block.kind == "console")


@pytest.mark.parametrize("block", of_kind("yaml"))
def test_every_configuration_can_be_used(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that it names need not be here. What it warns of would be bad advice, but for what lies elsewhere."""
    monkeypatch.chdir(tmp_path)
    for other in blocks():
        if other.page == block.page and other.kind.startswith("list "):
            (tmp_path / other.kind.split(" ")[1]).write_text(other.text)
    file = configured(tmp_path, block.text)
    if file is None:
        return
    try:
        examine(Source.from_file(file))
    except ConfigError as error:
        wrong = [str(each) for each in error.problems if not any(word in str(each) for word in ELSEWHERE)]
        assert wrong == []


@pytest.mark.parametrize("block", of_kind("rule"))
def test_every_rule_is_compiled_and_judges_a_request(block: Block) -> None:
    lists: Lists = AnyList()
    compiled = compile_expression(block.text, lists=lists)
    facts = sample(frozenset(), path=b"/login", headers=((b"Host", b"shop.example"),)).facts
    assert compiled.matches(facts) in (True, False)


@pytest.mark.parametrize("block", [each for each in of_kind("console") if "botproxy rules eval" in each.values[0].text])
def test_every_command_prints_what_the_page_says(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the request, the lists and the configuration that the same page shows, the nearest ones."""
    monkeypatch.chdir(tmp_path)
    near = sorted((other for other in blocks() if other.page == block.page), key=lambda o: -abs(o.line - block.line))
    for other in near:
        if other.kind == "http":
            (tmp_path / "request.txt").write_text(other.text)
        elif other.kind.startswith("list "):
            (tmp_path / other.kind.split(" ")[1]).write_text(other.text)
        elif other.kind == "yaml":
            configured(tmp_path, other.text)
    command, _, printed = block.text.partition("\n")
    done = CliRunner().invoke(main, shlex.split(command)[2:])
    assert done.output == printed, done.output


def test_every_lint_is_described() -> None:
    page = (DOCS / "checking.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(LINTS)
