"""From a source to a checked configuration: everything that is wrong is said at once, or nothing is."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, TypeVar

from botproxy.config import checks
from botproxy.config.document import Document, Mark, Place, Value, read
from botproxy.config.document import Path as TreePath
from botproxy.config.explain import validate
from botproxy.config.lints import lint
from botproxy.config.lists import Chosen, LoadedLists, choose, load_lists
from botproxy.config.overlay import NO_OVERLAY, OverlayText, current, merged, unshifted
from botproxy.config.partial import without
from botproxy.config.problems import ConfigError, Problem
from botproxy.config.source import Source, read_text
from botproxy.config.tree import Config
from botproxy.rulesets.presets import DEFAULT
from botproxy.schema import Section

S = TypeVar("S", bound=Section)

_OPTIONS: dict[TreePath, str] = {
    ("mode",): "--mode",
    ("listeners",): "--listen",
    ("admin",): "--admin",
    ("workers",): "--workers",
    ("data",): "--data",
    ("zones",): "--origin",
}


class Examined(NamedTuple):
    """A configuration that can be used, and what its operator may want to think about all the same."""

    config: Config
    warnings: tuple[Problem, ...]
    lists: LoadedLists  # compiled, so that nobody has to do it again


def load(source: Source) -> Config:
    """The configuration of this source. Raises `ConfigError` with every problem that it has, and nothing else."""
    return examine(source).config


class Whole(NamedTuple):
    """A configuration's document with the overlay on top, before anything in it is looked at."""

    document: Document
    base: Path  # directory of relative paths
    file: str
    overlay: OverlayText = NO_OVERLAY
    warnings: tuple[Problem, ...] = ()


def examine(source: Source) -> Examined:
    """As `load`, with the warnings."""
    whole = read_whole(source)
    try:
        examined = _checked(whole, source)
    except ConfigError as error:
        raise ConfigError(unshifted(error.problems, whole.file, whole.overlay.file)) from None
    warnings = [*whole.warnings, *unshifted(examined.warnings, whole.file, whole.overlay.file)]
    return examined._replace(warnings=tuple(sorted(warnings, key=lambda problem: problem[:3])))


def read_whole(source: Source) -> Whole:
    """The document of this source. Raises `ConfigError` for what cannot be read, and an overlay that does not fit."""
    if source.zero_config:
        whole = Whole(_from_options(source), Path(), "")
    else:
        text = read_text(source.file) if source.text is None else source.text
        document = read(text, source.file)
        if document.problems:
            raise ConfigError(document.problems)
        whole = Whole(document, Path(source.file).parent, source.file)
    if not isinstance(whole.document.value, dict):
        return whole
    if source.overlay is not None:
        overlay = OverlayText(source.overlay_file, source.overlay)
    else:
        data = data_directory(whole.document, whole.base)
        if data.is_dir() and not os.access(data, os.X_OK):  # who serves is told so when the directory is claimed
            what = f"this user cannot read {data}, so what was changed on the running proxy is left out"
            return whole._replace(warnings=(Problem(source.file or "--data", 0, 0, what),))
        overlay = current(data)
    if not overlay.text:
        return whole
    both, problems, warnings = merged(whole.document, read(overlay.text, overlay.file), overlay.file)
    if problems:
        raise ConfigError(problems)
    return whole._replace(document=both, overlay=overlay, warnings=tuple(warnings))


def chosen_lists(source: Source, names: Collection[str]) -> Chosen:
    """The lists of these names, of a source that was examined before, without the rest. Raises `ConfigError`."""
    whole = read_whole(source)
    config, faults = validate(Config, whole.document, whole.file)
    if config is None:
        raise ConfigError(list(faults.values()))
    return choose(rebased(config, whole.base).lists, whole.document, whole.file, names)


def data_directory(document: Document, base: Path) -> Path:
    """The data directory of a configuration whose settings were not checked yet."""
    said = document.value.get("data") if isinstance(document.value, dict) else None
    return base / (said if isinstance(said, str) and "\0" not in said else "data")


def _checked(whole: Whole, source: Source) -> Examined:
    document, base, file = whole.document, whole.base, whole.file
    if document.value is None:
        right = "start from config/botproxy.yaml, or: botproxy serve --origin URL"
        raise ConfigError([Problem(file, 1, 1, "the file is empty", right)])
    config, faults = validate(Config, document, file)
    problems = list(faults.values())
    review = None
    lists = load_lists((), document, file)
    if config is not None:
        config = rebased(config, base)
        review = checks.review(config, document, file)
        lists = load_lists(config.lists, document, file)
    elif partial := without(document, faults):
        rest = rebased(partial.config, base)
        review = checks.review(rest, document, file, partial.vouches_for)
        lists = load_lists(rest.lists, document, file, partial.vouches_for)
    problems.extend(lists.problems)
    problems.extend(checks.expressions(document, file, lists.lists))
    problems.extend(review.problems if review else ())
    warnings = [*(review.warnings if review else ()), *lists.warnings]
    if config is not None and not problems:
        told, doubtful = checks.rulesets(config, document, file, lists.lists)
        problems.extend(told)
        warnings.extend(doubtful)
        warnings.extend(() if told else lint(config, document, file, lists.lists))
    if problems or config is None:
        raise ConfigError(_as_options(problems) if source.zero_config else problems)
    if source.zero_config:
        warnings = _as_options(warnings)
    return Examined(config, tuple(sorted(warnings, key=lambda problem: problem[:3])), lists)


def rebased(section: S, base: Path) -> S:
    """The same settings with every relative path taken from `base`, the directory of the file that names it."""
    changed: dict[str, object] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        moved = _moved(value, base)
        if moved is not value:
            changed[name] = moved
    return section.model_copy(update=changed) if changed else section


def _moved(value: object, base: Path) -> object:
    if isinstance(value, Path):
        return value if value.is_absolute() or base == Path() else base / value
    if isinstance(value, Section):
        return rebased(value, base)
    if isinstance(value, tuple | list) and any(isinstance(item, Section | Path) for item in value):
        return type(value)(_moved(item, base) for item in value)
    return value


def _from_options(source: Source) -> Document:
    """The tree that the command line's options stand for; places carry no line, `_as_options` names the option."""
    tree: dict[str, Value] = {
        "unknown_host": "default",
        "secret_file": "auto",
        "zones": [
            {"name": "default", "origins": [source.origin], "presets": [DEFAULT]},
        ],
    }
    if source.listen is not None:
        tree["listeners"] = [{"address": source.listen}]
    if source.admin is not None:
        tree["admin"] = {"listen": source.admin}
    for name, value in (("mode", source.mode), ("workers", source.workers), ("data", source.data)):
        if value is not None:
            tree[name] = value
    places: dict[TreePath, Place] = {}
    _everywhere(tree, (), places)
    return Document(tree, places, ())


def _everywhere(value: Value, path: TreePath, places: dict[TreePath, Place]) -> None:
    places[path] = Place(Mark(0, 0), Mark(0, 0))
    if isinstance(value, dict):
        for name, child in value.items():
            _everywhere(child, (*path, name), places)
    elif isinstance(value, list):
        for at, child in enumerate(value):
            _everywhere(child, (*path, at), places)


def _as_options(problems: list[Problem]) -> list[Problem]:
    return [
        problem._replace(
            file=next((o for path, o in _OPTIONS.items() if problem.path.startswith(str(path[0]))), "command line")
        )
        if not problem.line  # what has one stands in an overlay
        else problem
        for problem in problems
    ]
