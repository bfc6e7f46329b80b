"""Secrets: where they come from, what is said without one, and that nobody else gets to see them."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from botproxy.config import Config, ConfigError, Source, examine, load_keyring
from botproxy.config.secrets import make_once
from botproxy.cookies import Sealer, new_secret

ZONES = [{"name": "site", "hosts": ["example.com"], "origins": ["http://127.0.0.1:3000"]}]


def configured(**settings: object) -> Config:
    return Config.model_validate({"zones": ZONES, **settings})


def test_without_a_secret_the_sentence_that_helps_is_said() -> None:
    with pytest.raises(ConfigError) as caught:
        load_keyring(configured(), {})
    assert "botproxy keys new > " in str(caught.value)


def test_the_first_secret_seals_and_the_others_still_open(tmp_path: Path) -> None:
    old, new = new_secret(), new_secret()
    file = tmp_path / "secret"
    file.write_text(f"# in use since today\n{new}\n\n{old}\n")
    before = Sealer(load_keyring(configured(), {"BOTPROXY_SECRET": old}), "test", "site")
    after = Sealer(load_keyring(configured(secret_file=file), {}), "test", "site")
    alone = Sealer(load_keyring(configured(), {"BOTPROXY_SECRET": new}), "test", "site")
    assert after.open(before.seal(b"token").encode()) == b"token"
    assert alone.open(after.seal(b"token").encode()) == b"token"
    assert alone.open(before.seal(b"token").encode()) is None


def test_the_environment_can_supply_several() -> None:
    assert load_keyring(configured(), {"BOTPROXY_SECRET": f"{new_secret()},{new_secret()}"})


def test_two_sources_at_once_are_refused(tmp_path: Path) -> None:
    """Which of the two holds would be a guess, and a wrong one logs every visitor out."""
    file = tmp_path / "secret"
    file.write_text(new_secret())
    with pytest.raises(ConfigError, match="remove one"):
        load_keyring(configured(secret_file=file), {"BOTPROXY_SECRET": new_secret()})


def test_auto_makes_a_secret_in_the_data_directory_and_keeps_it(tmp_path: Path) -> None:
    config = configured(secret_file="auto", data=tmp_path / "not" / "yet")
    load_keyring(config, {})
    file = tmp_path / "not" / "yet" / "secret"
    made = file.read_text()
    load_keyring(config, {})
    assert file.read_text() == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_parallel_first_starts_agree_on_one_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: (make_once(file), file.read_text()), range(64)))
    assert sum(first for first, _ in made) == 1
    assert len({text for _, text in made}) == 1
    assert os.listdir(tmp_path) == ["secret"]


@pytest.mark.parametrize("content", ["", "# nothing\n", "short\n", "\xff" * 40, "x" * 100_000])
def test_a_file_without_usable_secrets_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_keyring(configured(secret_file=file), {})
    assert "short" not in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_a_secret_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(new_secret())
    (tmp_path / "secret").chmod(0o644)
    file = tmp_path / "botproxy.yaml"
    file.write_text("secret_file: secret\nzones: [{name: site, hosts: [a.example], origins: ['http://127.0.0.1:1']}]\n")
    (warning,) = examine(Source.from_file(file)).warnings
    assert (warning.line, warning.column) == (1, 14)
    assert "chmod 600" in warning.right


def test_no_message_holds_a_secret(tmp_path: Path) -> None:
    """Not even when it stands there twice."""
    secret = new_secret()
    file = tmp_path / "secret"
    file.write_text(f"{secret}\n{secret}\n")
    with pytest.raises(ConfigError) as caught:
        load_keyring(configured(secret_file=file), {})
    assert secret not in str(caught.value)
    assert secret not in repr(load_keyring(configured(), {"BOTPROXY_SECRET": secret}))
