"""`botproxy places`: getting a database of where addresses are, and looking into one."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO

import click

MAX_SIZE = 4 * 1024**3
_TIMEOUT = 60.0


@click.group()
def places() -> None:
    """Where addresses are: databases in MMDB form."""


@places.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("addresses", nargs=-1)
def check(file: Path, addresses: tuple[str, ...]) -> None:
    """Say what FILE is and how old, and what it knows of ADDRESSES. The exit code is 1 when it is no database."""
    click.echo(_described(file))
    for text in addresses:
        _look(file, text)


@places.command()
@click.argument("url")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def fetch(url: str, file: Path) -> None:
    """Download a database from URL, check it, and put it in the place of FILE.

    It may be packed with gzip, or lie in a tar archive, as its makers serve it. A running proxy takes it up within ten
    seconds.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".places-") as folder:
        packed, fresh = Path(folder) / "packed", Path(folder) / file.name
        _download(url, packed)
        _unpack(packed, fresh)
        click.echo(_described(fresh))
        os.replace(fresh, file)


def _download(url: str, target: Path) -> None:
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not url.startswith("https://"):
        raise click.BadParameter("a database is downloaded over https", param_hint="URL")
    wanted = Request(url, headers={"User-Agent": "botproxy"})  # noqa: S310 - it was looked at
    try:
        with (
            urlopen(wanted, timeout=_TIMEOUT) as answer,  # noqa: S310 - it was looked at
            target.open("wb") as opened,
        ):
            _copy(answer, opened)
    except HTTPError as error:
        error.close()
        raise click.ClickException(f"{url}: {error}") from None
    except (URLError, OSError, ValueError) as error:
        raise click.ClickException(f"{url}: {error}") from None


def _unpack(packed: Path, target: Path) -> None:
    """The database in a file as it was downloaded: as it is, packed, or the only `.mmdb` of an archive."""
    try:
        if tarfile.is_tarfile(packed):
            with tarfile.open(packed) as archive:
                found = [member for member in archive if member.isfile() and member.name.endswith(".mmdb")]
                inside = archive.extractfile(found[0]) if len(found) == 1 else None
                if inside is None:
                    raise click.ClickException(f"the archive has {len(found)} databases; one was expected")
                with target.open("wb") as opened:
                    _copy(inside, opened)
            return
        with packed.open("rb") as opened:
            zipped = opened.read(2) == b"\x1f\x8b"
        if zipped:
            with gzip.open(packed) as unzipped, target.open("wb") as opened:
                _copy(unzipped, opened)
        else:
            shutil.move(packed, target)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise click.ClickException(f"cannot be unpacked: {error}") from None


def _copy(source: IO[bytes] | gzip.GzipFile, target: IO[bytes]) -> None:
    size = 0
    while piece := source.read(1024**2):
        size += len(piece)
        if size > MAX_SIZE:
            raise OSError(f"more than {MAX_SIZE // 1024**3} GB")
        target.write(piece)


def _described(file: Path) -> str:
    """One line about a database. Exits with 1 when it is none."""
    import time

    import maxminddb

    try:
        with maxminddb.open_database(file) as reader:
            about = reader.metadata()
    except (OSError, ValueError, RuntimeError) as error:
        click.echo(f"{file} is no MMDB database: {error}", err=True)
        sys.exit(1)
    days = (time.time() - about.build_epoch) / 86400
    return f"{file}: {about.database_type}, {about.node_count} nodes, {days:.0f} days old"


def _look(file: Path, text: str) -> None:
    from botproxy.addresses import Places, parse_address

    address = parse_address(text)
    if address is None:
        raise click.BadParameter(f"{text!r} is no address", param_hint="ADDRESSES")
    place = Places([file]).locate(address)
    known = {} if place is None else {name: value for name, value in place._asdict().items() if value is not None}
    click.echo(f"{text}: {', '.join(f'{name} {value}' for name, value in known.items()) or 'unknown'}")
