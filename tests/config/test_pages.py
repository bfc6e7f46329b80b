"""Faults of a template are told at their place in it, and all of them before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.config import Source, load
from botproxy.config.problems import ConfigError

ZONE = 'zones: [{name: a, hosts: [a.test], origins: ["http://127.0.0.1:1"]%s}]\n'


def problems(directory: Path, text: str) -> list[str]:
    """What is said of a configuration in this directory."""
    file = directory / "botproxy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(Source.from_file(file))
    return [str(problem) for problem in raised.value.problems]


def test_a_fault_of_a_template_is_told_where_it_stands(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html>\n<html lang='{{language}}'>\n<head>{{head}}\n<script>\n")
    said = problems(tmp_path, "secret_file: auto\npages: {template: page.html}\n" + ZONE % "")
    assert any(line.startswith(f"{page}:4:1: an element <script>") for line in said), said
    assert any("{{heading}} is missing" in line for line in said)


def test_files_that_are_not_there_and_links_that_lead_astray_are_told(tmp_path: Path) -> None:
    said = problems(tmp_path, "secret_file: auto\n" + ZONE % ", pages: {logo: absent.png}")
    assert len(said) == 1
    assert "botproxy.yaml:2:" in said[0]
    assert "absent.png cannot be read" in said[0]
    said = problems(tmp_path, 'secret_file: auto\npages: {contact_url: "//x"}\n' + ZONE % "")
    assert any("pages.contact_url" in line or "path that starts with one /" in line for line in said)


def test_pages_that_would_be_too_large_are_told(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8000))
    (tmp_path / "page.html").write_text(
        '<!DOCTYPE html><html lang="{{language}}" dir="{{direction}}"><head>{{head}}{{style}}</head><body>{{logo}}'
        "<h1>{{heading}}</h1>{{explanation}}{{content}}{{ray}}" + "x" * 11_000
    )
    said = problems(tmp_path, "secret_file: auto\npages: {template: page.html, logo: logo.png}\n" + ZONE % "")
    assert len(said) == 1
    assert "is the limit" in said[0]
