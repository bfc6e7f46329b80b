"""The directory that comes with the product and the operator's own files, read once at start."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from botproxy.bots.directory import Directory, DirectoryError, Fault, parse_all
from botproxy.bots.entries import BotFile
from botproxy.bots.settings import Settings

MAX_SECRET = 4096


def shipped_bots() -> dict[str, str]:
    """Text of every file of bots in the package, by name, in the order of their names."""
    folder = _folder()
    found = sorted((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return dict(found)


def _folder() -> Traversable:
    """In a wheel the files lie in the package; a source tree has them in `config/bots`, where people look."""
    packaged = files("botproxy.bots").joinpath("directory")
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "config" / "bots"


def load_directory(settings: Settings) -> Directory:
    """The directory as the settings want it. Raises `DirectoryError` with every problem."""
    texts = shipped_bots() if settings.shipped else {}
    faults: list[Fault] = []
    for path in settings.files:
        try:
            texts[str(path)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            faults.append(Fault(str(path), (), f"cannot be read: {problem}"))
    if faults:
        raise DirectoryError(faults)
    parsed = {name: at_home(file, Path(name).parent) for name, file in parse_all(texts).items()}
    return Directory.build(parsed, read_secrets(parsed.values()))


def at_home(file: BotFile, base: Path) -> BotFile:
    """The same file with the paths of its secrets taken from the directory that it stands in."""
    if not any(bot.verify is not None and bot.verify.keys for bot in file.bots):
        return file
    bots = []
    for bot in file.bots:
        verify = bot.verify
        if verify is not None:
            keys = tuple(
                key
                if key.hmac_file is None or key.hmac_file.is_absolute()
                else key.model_copy(update={"hmac_file": base / key.hmac_file})
                for key in verify.keys
            )
            bots.append(bot.model_copy(update={"verify": verify.model_copy(update={"keys": keys})}))
        else:
            bots.append(bot)
    return file.model_copy(update={"bots": tuple(bots)})


def read_secrets(parsed: Iterable[BotFile]) -> dict[Path, bytes]:
    """The shared secrets that files of bots name, as far as they can be read, without the end of their line."""
    secrets: dict[Path, bytes] = {}
    for file in parsed:
        for bot in file.bots:
            for key in bot.verify.keys if bot.verify is not None else ():
                if key.hmac_file is None:
                    continue
                try:
                    with key.hmac_file.open("rb") as opened:
                        secrets[key.hmac_file] = opened.read(MAX_SECRET).strip()
                except (OSError, ValueError):
                    continue
    return secrets
