"""The secrets that cookies and challenges are sealed with: where they come from, and the first one made when asked.

A secret is a line of text; `botproxy keys new` prints one. The first line seals, every line opens. A secret is never
part of a message, of the configuration, or of its text.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from botproxy.config.problems import ConfigError, Problem
from botproxy.config.tree import Config
from botproxy.cookies import KeyRing, new_secret
from botproxy.errors import OperatorError

VARIABLE: Final = "BOTPROXY_SECRET"
AUTO: Final = "auto"
_MAX_BYTES: Final = 64 * 1024

HELP: Final = (
    "make one with `botproxy keys new > botproxy.secret`, keep it from others (chmod 600), and name it in "
    f"`secret_file: botproxy.secret` or put it into {VARIABLE}; `secret_file: auto` makes one in the data directory"
)


def secret_path(config: Config) -> Path | None:
    """The file that holds the secrets of this configuration; None when the environment has to supply them."""
    if config.secret_file == AUTO:
        return config.data / "secret"
    return config.secret_file


def load_keyring(config: Config, environment: Mapping[str, str] = os.environ) -> KeyRing:
    """The secrets of this configuration: from BOTPROXY_SECRET, else from its file.

    With `secret_file: auto` a first start makes the file, whoever comes first when several start at once. Raises
    `ConfigError` with the sentence that helps when there is none.
    """
    given = environment.get(VARIABLE, "").replace(",", "\n")
    path = secret_path(config)
    if given.strip():
        if isinstance(config.secret_file, Path):
            raise _error(VARIABLE, "supplies a secret, and so does `secret_file`", "remove one of the two")
        try:
            return KeyRing.from_text(given)
        except OperatorError as error:
            raise _error(VARIABLE, str(error)) from None
    if path is None:
        raise _error("secret_file", "there is no secret to seal cookies with", HELP)
    try:
        if config.secret_file == AUTO:
            make_once(path)
        return read_keyring(path)
    except OSError as error:
        raise _error(str(path), f"no secret can be had here: {error.strerror}", HELP) from error
    except OperatorError as error:
        raise _error(str(path), str(error)) from None


def _error(where: str, what: str, right: str = "") -> ConfigError:
    return ConfigError([Problem(where, 0, 0, what, right, "secret_file")])


def read_keyring(path: Path) -> KeyRing:
    """The secrets in this file. Raises OSError, or OperatorError saying what is wrong with it."""
    with path.open("rb") as opened:
        content = opened.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise OperatorError("it is far larger than a list of secrets")
    try:
        return KeyRing.from_text(content.decode())
    except UnicodeDecodeError:
        raise OperatorError("it holds bytes that are not text: one secret a line is wanted") from None


def make_once(path: Path) -> bool:
    """Make a file with a fresh secret, readable by its owner alone, unless it is there. True when this call made it.

    The file appears whole or not at all, and of several that try at once exactly one succeeds: `link` does not replace.
    """
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(new_secret() + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        return True
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def exposed(path: Path) -> bool:
    """Whether others than the owner can read or change this file."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
