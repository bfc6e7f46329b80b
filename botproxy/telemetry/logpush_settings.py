"""Settings of log exports: what is sent where, in the words of the original's Logpush jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from botproxy.schema import Seconds, Section, Size
from botproxy.telemetry.datasets import Dataset
from botproxy.telemetry.settings import Timestamps

MAX_JOBS: Final = 20
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_TAKEN: Final = frozenset(("host", "content-length", "content-encoding", "content-type", "transfer-encoding"))


def _endpoint(value: str) -> str:
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or "@" in urlsplit(value).netloc:
        raise ValueError("the URL of an endpoint: https://host/path, without user and password; those go into headers")
    return value


def _store(value: str) -> str:
    _endpoint(value)
    parts = urlsplit(value)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("the URL of a store ends with its host: https://host; the bucket is named in `bucket`")
    return value.rstrip("/")


class SecretSettings(Section):
    """Where a secret is read from: `file` or `environment`, one of the two."""

    file: Path | None = None
    """A file with the secret on one line, readable by its owner alone."""

    environment: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] | None = None
    """The name of a variable of the environment that holds it."""

    @model_validator(mode="after")
    def _one(self) -> SecretSettings:
        if (self.file is None) == (self.environment is None):
            raise ValueError("a secret is read from one place — `file: PATH` or `environment: NAME`")
        return self


class FileSettings(Section):
    """Files of this machine, rotated and compressed."""

    path: Path
    """The file that is written to; rotated files stand beside it, with the time in their names."""

    rotate_size: Annotated[Size, Field(ge=64 * 1024)] = 100 * 1024**2
    """The file is rotated before it grows beyond this."""

    rotate_age: Annotated[Seconds, Field(ge=60, le=366 * 86400)] = 3600.0
    """The file is rotated whenever a period of this length ends, counted from 1970 in UTC."""

    keep_files: Annotated[int, Field(ge=0, le=10_000)] = 168
    """Rotated files that are kept; the oldest are deleted."""

    keep_size: Size = 1024**3
    """Rotated files are deleted, oldest first, until all of them together are no larger than this."""

    compress: bool = True
    """Whether rotated files are packed with gzip."""


class HttpSettings(Section):
    """An endpoint that takes a POST of each batch, packed with gzip."""

    url: Annotated[str, AfterValidator(_endpoint), Field(max_length=2048)]
    """Where batches are posted to. Every answer of 2xx takes the batch; after any other it is sent again."""

    headers: Annotated[dict[str, str | SecretSettings], Field(max_length=50, default_factory=dict)]
    """Headers of each POST. A value is a text, or `file: PATH` or `environment: NAME` where it is a secret."""

    timeout: Annotated[Seconds, Field(ge=1, le=300)] = 30.0
    """How long the endpoint may take to answer."""

    ca_file: Path | None = None
    """Certificates that the endpoint's own may be signed by; left out, those that the system trusts."""

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, str | SecretSettings]) -> Mapping[str, str | SecretSettings]:
        for name, value in headers.items():
            if not _HEADER.match(name) or name.lower() in _TAKEN:
                raise ValueError(f"`{name[:80]}` cannot be set — the name of a header of your own, or Authorization")
            if isinstance(value, str) and (len(value) > 4096 or not value.isascii() or not value.isprintable()):
                raise ValueError(f"the value of `{name}` cannot be sent — one line of ASCII")
        return headers


class S3Settings(Section):
    """A store that speaks S3, such as MinIO, Ceph or Amazon's; each batch becomes one object."""

    endpoint: Annotated[str, AfterValidator(_store), Field(max_length=2048)]
    """The store: `https://s3.eu-central-1.amazonaws.com`, `http://minio:9000`. The bucket goes into the path."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """The bucket; it has to be there."""

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    """The region that requests are signed for."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9!_.*'()/{}-]{0,500}$")] = "{DATE}"
    """What objects' names begin with. `{DATE}` becomes the day, `20260102`; then follow the times of the first and last
    event and a number, as in `20260102/20260102T030405Z_20260102T030505Z_1f2e3d4c.log.gz`."""

    access_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | SecretSettings
    """The id of the key; a text, or where it is read from."""

    secret_key: SecretSettings
    """The key itself: where it is read from."""

    timeout: Annotated[Seconds, Field(ge=1, le=300)] = 60.0
    """How long the store may take to answer."""

    ca_file: Path | None = None
    """Certificates that the store's own may be signed by; left out, those that the system trusts."""


class LogpushSettings(Section):
    """One job: which events, which of their fields, in which form, to where."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$")]
    """What metrics and the log call this job: lower-case letters, digits, `_` and `-`."""

    enabled: bool = True
    """Whether it runs."""

    dataset: Dataset = "http_requests"
    """`http_requests`, one record for each request; `firewall_events`, one for each rule that matched."""

    fields: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    """The fields of a record, in this order; docs/log-exports.md lists them. Left out, all of the original's."""

    filter: Annotated[str, Field(max_length=16_384)] = ""
    """An expression in the rules language: only requests of which it is true are sent. Left out, all."""

    sample_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of them that is sent: 0.1 is one of ten, by lot. Both datasets send the same requests."""

    timestamp_format: Timestamps = "rfc3339"
    """How times are written: `unixnano`, `unix`, `rfc3339`, `rfc3339ms` or `rfc3339ns`."""

    output: Literal["ndjson", "csv"] = "ndjson"
    """`ndjson`, a JSON object a line; `csv`, a table with a line of names, safe to be opened by a spreadsheet."""

    batch_records: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """A batch is sent once it has so many records,"""

    batch_size: Annotated[Size, Field(ge=1024, le=256 * 1024**2)] = 5 * 1024**2
    """or so many bytes before it is packed,"""

    batch_age: Annotated[Seconds, Field(ge=0.1, le=3600)] = 10.0
    """or is so old; files and standard output get what there is at once."""

    memory: Annotated[Size, Field(ge=1024**2, le=4 * 1024**3)] = 64 * 1024**2
    """How much may wait in memory, packed, for the destination to take it. Beyond, batches wait on disk; without room
    there, or for files and standard output, the oldest are dropped and counted."""

    disk: Annotated[Size, Field(ge=0, le=1024**4)] = 1024**3
    """How much may wait in the data directory, packed, while an endpoint or store does not take it, over restarts too;
    beyond, the oldest batches are dropped and counted. 0 keeps nothing there."""

    file: FileSettings | None = None
    """Send to files of this machine."""

    http: HttpSettings | None = None
    """Send to an endpoint over HTTP."""

    s3: S3Settings | None = None
    """Send to a store that speaks S3."""

    stdout: bool = False
    """Send to standard output, as a container's log."""

    refused: ClassVar[Mapping[str, str]] = {
        "logpull_options": "name `fields`, `timestamp_format` and `sample_rate` one by one",
        "destination_conf": "name the destination as `file`, `http`, `s3` or `stdout`",
        "output_options": "name `fields`, `output`, `timestamp_format` and `sample_rate` one by one",
    }

    @field_validator("filter")
    @classmethod
    def _one_text(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def _whole(self) -> LogpushSettings:
        where = [name for name in ("file", "http", "s3", "stdout") if getattr(self, name)]
        if len(where) != 1:
            said = "has no destination" if not where else f"has {len(where)} destinations: {', '.join(where)}"
            raise ValueError(f"the job `{self.name}` {said} — exactly one of `file`, `http`, `s3` and `stdout: true`")
        return self
