"""The operator's own files of bots: each mistake is shown where it stands, in the file that it stands in."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botproxy.config.document import MAX_BYTES, Document, read
from botproxy.config.document import Path as TreePath
from botproxy.config.explain import dotted, validate
from botproxy.config.files import unreadable
from botproxy.config.problems import Problem, Said, shown
from botproxy.config.tree import Config

if TYPE_CHECKING:
    from botproxy.bots.entries import BotFile


def files(config: Config) -> Iterator[Said]:
    """The files that the settings name are there; what stands in files of bots is another check's."""
    if not config.bots.enabled:
        return
    for at, path in enumerate(config.bots.files):
        yield from unreadable(path, ("bots", "files", at))
    path_or_none = config.bots.signatures.ca_file
    if path_or_none is not None:
        place: TreePath = ("bots", "signatures", "ca_file")
        missing = list(unreadable(path_or_none, place))
        yield from missing
        if not missing:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path_or_none)
            except ssl.SSLError:
                right = "a PEM file with the certificates of the authorities"
                yield Said(place, f"there is no certificate in {shown(str(path_or_none))}", right)


def directory(config: Config, document: Document, file: str) -> Iterator[Problem]:
    """Everything that is wrong in the operator's files of bots; `document` and `file` are the configuration's.

    A file that cannot be read was told by another check.
    """
    settings = config.bots
    if not settings.enabled or not settings.files:
        return
    # Who only hands a source on, as the supervisor does, has no use for a directory.
    from botproxy.bots.directory import Directory, DirectoryError, parse_all
    from botproxy.bots.entries import BotFile
    from botproxy.bots.shipped import at_home, read_secrets, shipped_bots

    own: dict[str, Document] = {}
    parsed: dict[str, BotFile] = {}
    for at, path in enumerate(settings.files):
        name, place = str(path), ("bots", "files", at)
        if name in own:
            what = "this file is here a second time"
            yield Problem(file, *document.place(place).value, what, "remove it", dotted(place))
            continue
        try:
            with path.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
        except (OSError, ValueError):
            continue
        if len(content) > MAX_BYTES:
            yield Problem(name, 0, 0, f"is larger than {MAX_BYTES // 1024**2} MB", "is this the right file?")
            continue
        try:
            own[name] = read(content.decode(), name)
        except UnicodeDecodeError:
            yield Problem(name, 0, 0, "holds bytes that are not UTF-8", "save the file as UTF-8")
            continue
        yield from own[name].problems
        if not own[name].problems:
            found, faults = validate(BotFile, own[name], name)
            yield from faults.values()
            if found is not None:
                parsed[name] = at_home(found, path.parent)
    if len(parsed) == len(settings.files):
        shipped = parse_all(shipped_bots()) if settings.shipped else {}
        try:
            Directory.build({**shipped, **parsed}, read_secrets(parsed.values()))
        except DirectoryError as error:
            for fault in error.faults:
                yield Problem(fault.file, *own[fault.file].place(fault.path).value, fault.message, fault.right,
                              dotted(fault.path))  # fmt: skip
