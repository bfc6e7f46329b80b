"""`botproxy models`: what is in use, another one, and back."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from botproxy.cli import main
from botproxy.scoring.ml import encode
from tests.scoring.ml.test_registry import model


def asked(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["models", *words, "--data", str(data)])


def test_a_model_is_added_used_shown_and_rolled_back(tmp_path: Path) -> None:
    file = tmp_path / "own.model"
    file.write_bytes(encode(model("mine")))
    assert asked(tmp_path, "add", str(file)).output.endswith("is model 1\n")
    assert "comes with the product  [in use]" in asked(tmp_path, "list").output
    assert asked(tmp_path, "use", "1").exit_code == 0
    listed = asked(tmp_path, "list").output.splitlines()
    assert "[before]" in listed[0]
    assert "mine" in listed[1]
    assert "[in use]" in listed[1]
    assert json.loads(asked(tmp_path, "show", "1").output)["version"] == "mine"
    assert json.loads(asked(tmp_path, "list", "--json").output)["state"]["active"] == 1
    assert "comes with the product" in asked(tmp_path, "rollback").output


def test_a_damaged_model_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "own.model"
    file.write_bytes(encode(model("mine"))[:-1])
    refused = asked(tmp_path, "add", str(file))
    assert refused.exit_code == 1
    assert "checksum" in refused.output
    missing = asked(tmp_path, "use", "7")
    assert missing.exit_code == 1
    assert "0007.model" in missing.output
