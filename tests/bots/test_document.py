"""What docs/verified-bots.md shows works as it is shown."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from signing import make_facts, make_request

from botproxy.bots.directory import Directory, parse_all
from botproxy.bots.knowledge import Knowledge
from botproxy.bots.recogniser import EXPIRED, FORGED, IMPOSTOR, REPLAYED, Recogniser
from botproxy.bots.settings import Settings
from botproxy.rules import compile_expression

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "verified-bots.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_files_of_bots_load_with_and_without_what_is_commented_out() -> None:
    shown = [block for block in blocks("yaml") if "bots:" in block]
    assert len(shown) == 2
    for block in shown:
        assert Directory.build(parse_all({"shown": block})).bots
        # What stands behind a `#` of its own on a line is a further key, and has a remark of its own behind it.
        whole = re.sub(r"^( *)(- )?# (?=[a-z_-]+:|- \{)", r"\1\2", block, flags=re.MULTILINE)
        assert whole != block
        assert Directory.build(parse_all({"shown": whole}), {Path("app.secret"): b"s" * 32}).bots


def test_rules_compile() -> None:
    for block in blocks("yaml"):
        for rule in (yaml.safe_load(block) or {}).get("rules", ()):
            compile_expression(rule["expression"])


def test_the_client_in_python_is_verified() -> None:
    (code,) = blocks("python")
    made: dict[str, object] = {}
    exec(code, made)
    headers = made["signed"]("POST", "example.com", "/orders", "app", b"s" * 32)  # type: ignore[operator]
    text = "bots: [{name: App, verify: {keys: [{id: app, hmac_file: secret}]}}]"
    directory = Directory.build(parse_all({"own": text}), {Path("secret"): b"s" * 32})
    request = make_request(list(headers.items()), target="/orders", method="POST", received=time.time())
    facts = make_facts(request)
    found = Recogniser(directory, Knowledge(10), Settings()).recognise(facts.request, facts.client, settled=True)
    assert found is not None
    assert found.claim.status == "verified"


def test_detections_have_the_numbers_that_are_said() -> None:
    said = {word: int(number) for number, word in re.findall(r"(\d{8})\s+\(`([a-z_]+)`\)", TEXT)}
    assert said == {
        "impostor": IMPOSTOR,
        "forged_signature": FORGED,
        "expired_signature": EXPIRED,
        "replayed_signature": REPLAYED,
    }
