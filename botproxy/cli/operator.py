"""Speaks to the admin listener of a running proxy."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

MAX_ANSWER = 4 * 1024 * 1024
DEFAULT = "127.0.0.1:9090"

F = TypeVar("F", bound=Callable[..., Any])


class NobodyAnswersError(click.ClickException):
    """There is nobody at the address of the admin listener."""


def admin_options(command: F) -> F:
    """`--admin` and `--token-file`, for every command that asks a running proxy."""
    for option in (
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File with the admin token; without it BOTPROXY_ADMIN_TOKEN is read.",
        ),
        click.option(
            "--admin",
            default=DEFAULT,
            show_default=True,
            envvar="BOTPROXY_ADMIN",
            metavar="HOST:PORT",
            help="The proxy's admin listener, https://HOST:PORT with admin.tls; BOTPROXY_ADMIN sets it too.",
        ),
    ):
        command = option(command)
    return command


def ask_lines(admin: str, token_file: Path | None, path: str, seconds: float = 30.0) -> Iterator[bytes]:
    """The lines of an answer that has many. Raises `click.ClickException` when there is none, or it breaks off."""
    address = _address(admin)
    request = _request(address, token_file, "GET", path, None)
    try:
        with _opener(address).open(request, timeout=seconds) as answer:
            yield from answer
    except urllib.error.HTTPError as error:
        said = _read(error.read(MAX_ANSWER), address)
        raise click.ClickException(str(said.get("error", f"the proxy answered {error.code}"))) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise click.ClickException(f"the proxy at {address} did not answer to the end: {reason}") from None


def ask(
    admin: str,
    token_file: Path | None,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    seconds: float = 10.0,
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the answer. Raises `click.ClickException` saying what to do when there is none."""
    address = _address(admin)
    request = _request(address, token_file, method, path, None if body is None else json.dumps(body).encode())
    try:
        with _opener(address).open(request, timeout=seconds) as answer:
            return answer.status, _read(answer.read(MAX_ANSWER), address)
    except urllib.error.HTTPError as error:
        said = _read(error.read(MAX_ANSWER), address)
        if error.code == 401:
            raise click.ClickException(
                f"the proxy at {address} asks for the admin token: give --token-file or set BOTPROXY_ADMIN_TOKEN"
            ) from None
        return error.code, said
    except TimeoutError:
        raise click.ClickException(f"the proxy at {address} did not answer within {seconds:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise click.ClickException(f"the proxy at {address} did not answer within {seconds:g} s") from None
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise NobodyAnswersError(
            f"no proxy answers at {address} ({reason}): is it running, and is its admin listener elsewhere (--admin)?"
        ) from None
    except (OSError, http.client.HTTPException):
        raise click.ClickException(f"what answers at {address} is not the admin listener of botproxy") from None


def _opener(address: str) -> urllib.request.OpenerDirector:
    # Not by way of a proxy that the environment names: the admin listener is usually on this very machine.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if address.startswith("https://"):
        handlers.append(urllib.request.HTTPSHandler(context=_trusted()))
    return urllib.request.build_opener(*handlers)


def _request(
    address: str, token_file: Path | None, method: str, path: str, data: bytes | None
) -> urllib.request.Request:
    request = urllib.request.Request(  # noqa: S310 - http or https, as `_address` has it
        f"{address if address.startswith('https://') else f'http://{address}'}{path}",
        method=method,
        data=data,
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    token = _token(token_file)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return request


def _trusted() -> Any:
    """TLS that believes the system's authorities, or those in the file that BOTPROXY_ADMIN_CA names."""
    import ssl

    file = os.environ.get("BOTPROXY_ADMIN_CA") or None
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # of TLS, too
        raise click.ClickException(f"BOTPROXY_ADMIN_CA: {file} cannot be used: {error}") from None


def _address(admin: str) -> str:
    """`HOST:PORT`, or with TLS `https://HOST:PORT`."""
    from botproxy.aio import parse_endpoint

    scheme, _, place = admin.rpartition("://")
    if scheme not in ("", "https"):
        raise click.BadParameter("HOST:PORT, or https://HOST:PORT", param_hint="--admin")
    try:
        endpoint = parse_endpoint(place.rstrip("/"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--admin") from None
    # Whoever listens on every address is reached on this machine's own.
    own = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    reached = str(endpoint._replace(host=own.get(endpoint.host, endpoint.host)))
    return f"https://{reached}" if scheme == "https" else reached


def _token(token_file: Path | None) -> str:
    if token_file is None:
        return os.environ.get("BOTPROXY_ADMIN_TOKEN", "").strip()
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{token_file} cannot be read: {getattr(error, 'strerror', 'not text')}") from None
    if not token.isascii() or not token.isprintable():
        raise click.ClickException(f"{token_file} holds more than a token: one line of letters and digits is wanted")
    return token


def _read(content: bytes, address: str) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise click.ClickException(f"what answers at {address} is not the admin listener of botproxy")
    return said
