"""Which domain a cookie may be set for: never one under which strangers have their sites, never one too narrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from botproxy.errors import OperatorError

_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+\Z"
)


def cookie_domain(text: str) -> str:
    """The domain in lower case without a leading dot. Raises `OperatorError` for what no browser should be given."""
    domain = text.lower().removeprefix(".")
    if _DOMAIN.match(domain) is None or domain.rpartition(".")[2].isdigit():
        raise OperatorError(f"{text!r} is no domain name; write it as example.com (in Punycode where needed)")
    if _public_suffixes()(domain):
        raise OperatorError(f"{domain} is a public suffix: every site under it would get these cookies")
    return domain


@cache
def _public_suffixes() -> Callable[[str], bool]:
    # Only a configuration that names a domain pays for the list of public suffixes, and only once.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList().is_public


def check_cookie_domain(domain: str, hosts: Iterable[str]) -> None:
    """Raise `OperatorError` unless `domain` covers every host of a zone (`*.example.com` is covered by example.com)."""
    outside = [host for host in hosts if not _covers(domain, host)]
    if outside:
        raise OperatorError(
            f"cookie_domain {domain} does not cover {', '.join(outside)}; browsers would drop the cookies"
        )


def _covers(domain: str, host: str) -> bool:
    name = host.lower().removeprefix("*.").removesuffix(".")
    return name == domain or name.endswith("." + domain)
