"""Log exports: fields that exist, destinations that do not clash, secrets that are there and kept."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from botproxy.config.document import Path as TreePath
from botproxy.config.files import content, others_can_read, unreadable
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config
from botproxy.telemetry.datasets import fields_of
from botproxy.telemetry.logpush_settings import LogpushSettings, SecretSettings


def logpush(config: Config) -> Iterator[Said]:
    """Everything about the jobs that no single setting shows."""
    names: dict[str, int] = {}
    paths: dict[Path, str] = {}
    if config.events.enabled:
        paths[(config.events.file or config.data / "events.jsonl").absolute()] = "`events`"
    for at, job in enumerate(config.logpush):
        place: TreePath = ("logpush", at)
        first = names.setdefault(job.name, at)
        if first != at:
            yield Said((*place, "name"), f"a second job {shown(job.name)}", f"another one: logpush[{first}] has this")
        yield from _fields(job, place)
        if job.file is not None:
            taken = paths.setdefault(job.file.path.absolute(), f"the job `{job.name}`")
            if taken != f"the job `{job.name}`" or job.file.path.is_dir():
                what = "is a directory" if job.file.path.is_dir() else f"is written to by {taken}"
                yield Said((*place, "file", "path"), f"{shown(str(job.file.path))} {what}", "a file of its own")
        if job.http is not None:
            for name, value in job.http.headers.items():
                yield from _secret(value, (*place, "http", "headers", name))
            yield from _authorities(job.http.ca_file, (*place, "http", "ca_file"))
            yield from _in_clear(job.http.url, (*place, "http", "url"), any(_is_secret(job.http.headers.values())))
        if job.s3 is not None:
            yield from _secret(job.s3.access_key, (*place, "s3", "access_key"))
            yield from _secret(job.s3.secret_key, (*place, "s3", "secret_key"))
            yield from _authorities(job.s3.ca_file, (*place, "s3", "ca_file"))
            yield from _in_clear(job.s3.endpoint, (*place, "s3", "endpoint"), True)
    out = [at for at, job in enumerate(config.logpush) if job.stdout and job.enabled]
    for at in out[1:]:
        yield Said(("logpush", at, "stdout"), "two jobs write to standard output", "one; their lines would be mixed")


def _fields(job: LogpushSettings, place: TreePath) -> Iterator[Said]:
    known = fields_of(job.dataset)
    for nth, name in enumerate(job.fields):
        if name not in known:
            close = difflib.get_close_matches(name[:80], known, 2)
            right = "did you mean " + " or ".join(f"`{each}`" for each in close) + "?" if close else ""
            what = f"{shown(job.dataset)} has no field {shown(name)}"
            yield Said((*place, "fields", nth), what, right or "docs/log-exports.md lists the fields")
        elif name in job.fields[:nth]:
            yield Said((*place, "fields", nth), f"{shown(name)} is named twice", "once")


def _is_secret(values: object) -> Iterator[bool]:
    for value in values:  # type: ignore[attr-defined]
        yield isinstance(value, SecretSettings)


def _secret(value: str | SecretSettings, place: TreePath) -> Iterator[Said]:
    if isinstance(value, str):
        return
    if value.file is not None:
        faults = list(unreadable(value.file, (*place, "file")))
        yield from faults
        if not faults:
            if not content(value.file).strip():
                yield Said((*place, "file"), f"{shown(str(value.file))} is empty", "one line with the secret")
            yield from others_can_read(value.file, (*place, "file"))
    elif not os.environ.get(value.environment or "", "").strip():
        # `check` may well be run elsewhere than `serve`.
        what = f"the variable {value.environment} is not set here"
        yield Said((*place, "environment"), what, "set it where the proxy is started", warning=True)


def _authorities(path: Path | None, place: TreePath) -> Iterator[Said]:
    if path is not None:
        yield from unreadable(path, place, "a PEM file with the certificates of the authorities")


def _in_clear(url: str, place: TreePath, secret: bool) -> Iterator[Said]:
    parts = urlsplit(url)
    if parts.scheme == "http" and secret and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Said(place, "a secret is sent there without TLS", "https://, if it can", warning=True)
