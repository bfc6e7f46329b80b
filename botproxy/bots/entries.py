"""The form of a file of bots: what an operator may write, checked one entry at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from botproxy.addresses.settings import NetworkText
from botproxy.bots.categories import Category, Purpose
from botproxy.schema import Section

MAX_BOTS: Final = 5_000
MIN_USER_AGENT: Final = 3
"""Characters of a pattern for a User-Agent; shorter ones name everybody."""

_DOMAIN: Final = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z"
)
_AGENT: Final = re.compile(r"https://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?\Z")
_URL: Final = re.compile(r"https://[a-zA-Z0-9.-]{1,253}(?::[0-9]{1,5})?/[!-~]{0,1000}\Z")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}=?\Z")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


def _some(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _domain(value: object) -> str:
    if not isinstance(value, str) or _DOMAIN.match(value) is None:
        raise ValueError("a domain is written in lower case, such as googlebot.com or crawl-*.example.com")
    if "*" in value.split(".", 1)[1]:
        raise ValueError("a `*` may stand in the first label alone, such as crawl-*.example.com")
    return value


def _url(value: object) -> str:
    if not isinstance(value, str) or _URL.match(value) is None:
        raise ValueError("a list is fetched from a URL such as https://example.com/addresses.json")
    return value


def _agent(value: object) -> str:
    if not isinstance(value, str) or _AGENT.match(value) is None:
        raise ValueError("an agent is written as it signs itself: https://example.com, in lower case and without path")
    return value


def _public_key(value: object) -> str:
    if not isinstance(value, str) or _KEY.match(value) is None:
        raise ValueError("an Ed25519 key is the `x` of its JWK: 43 characters of base64url")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or _WORD.match(value) is None:
        raise ValueError("a name of letters, digits, `.`, `_` and `-`")
    return value


Word = Annotated[str, BeforeValidator(_word)]
Domain = Annotated[str, BeforeValidator(_domain)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Pattern = Annotated[str, Field(min_length=MIN_USER_AGENT, max_length=500)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_some), Field(max_length=64)]


class ListSettings(Section):
    """Addresses that an operator of bots publishes."""

    urls: Annotated[tuple[Annotated[str, BeforeValidator(_url)], ...], Field(min_length=1, max_length=8)]
    """Where it stands: JSON, CSV or one network a line."""

    key: str = ""
    """Of JSON: read what stands under this key of the outermost object alone."""

    where: dict[str, str] = Field(default_factory=dict)
    """Of JSON: read objects alone that have these values under these keys."""


class KeySettings(Section):
    """A key with which a client of the operator's own signs its requests (RFC 9421)."""

    id: Text
    """`keyid` of its signatures."""

    ed25519: Annotated[str, BeforeValidator(_public_key)] | None = None
    """The public key, as the `x` of its JWK."""

    hmac_file: Path | None = None
    """File with the shared secret, 32 bytes or more, on one line; taken from the directory of the file of bots."""

    @model_validator(mode="after")
    def _one(self) -> KeySettings:
        if (self.ed25519 is None) == (self.hmac_file is None):
            raise ValueError("either `ed25519` or `hmac_file`")
        return self


class VerifySettings(Section):
    """How a claim is verified. One way that succeeds is enough; `ja4` only narrows the others."""

    lists: tuple[Word, ...] = ()
    """Names of published lists that its addresses stand in."""

    networks: Annotated[tuple[NetworkText, ...], Field(max_length=10_000)] = ()
    """Its networks, as long as they are known not to change."""

    domains: tuple[Domain, ...] = ()
    """Domains of the names of its addresses, confirmed forward; `*` stands for a part of the first label."""

    signature_agent: Annotated[str, BeforeValidator(_agent)] | None = None
    """Who signs its requests by Web Bot Auth: what its `Signature-Agent` says."""

    keys: Annotated[tuple[KeySettings, ...], Field(max_length=16)] = ()
    """Keys of a client of your own, which signs without publishing anything."""

    ja4: Annotated[tuple[Text, ...], Field(max_length=64)] = ()
    """TLS fingerprints that it has. They can be imitated, so they never verify alone."""

    complete: bool = True
    """Whether these addresses are all of them: if so, whoever calls from elsewhere is an impostor."""

    @model_validator(mode="after")
    def _enough(self) -> VerifySettings:
        if not (self.lists or self.networks or self.domains or self.signature_agent or self.keys):
            if self.ja4:
                raise ValueError("a JA4 can be imitated: add `networks`, or `keys` that sign its requests")
            raise ValueError("one of `lists`, `networks`, `domains`, `signature_agent` and `keys`")
        return self


class BotSettings(Section):
    """One bot, or one client of the operator's own."""

    name: Text
    """What it is called, in events and messages."""

    operator: Annotated[str, Field(max_length=200)] = ""
    """Who runs it."""

    category: Category = "Other"
    """What `cf.verified_bot_category` says of it."""

    user_agent: Patterns = ()
    """Regular expressions, one of which its User-Agent matches somewhere."""

    unless: Patterns = ()
    """Regular expressions that keep a User-Agent from being meant."""

    purpose: Purpose | None = None
    """What becomes of what it reads: `search`, `agent` or `training`."""

    robots: tuple[Text, ...] = ()
    """The names under which it obeys robots.txt, as its operator says; none when it does not say so."""

    tags: tuple[Word, ...] = ()
    """Words for `BotTags`."""

    verify: VerifySettings | None = None
    """How its claim is verified; left out, it is only known by what it says of itself."""

    @model_validator(mode="after")
    def _recognisable(self) -> BotSettings:
        verify = self.verify
        named = bool(self.user_agent) or (verify is not None and bool(verify.signature_agent or verify.keys))
        if not named and (verify is None or not verify.networks) and not self.robots:
            raise ValueError("nothing tells it from others: add `user_agent`, or `verify` with networks or keys")
        if not self.user_agent and verify is not None and (verify.lists or verify.domains):
            raise ValueError("`lists` and `domains` are asked only of who claims something: add `user_agent`")
        return self


class BotFile(Section):
    """A file of bots."""

    version: Literal[1] = 1
    """The form of the file."""

    lists: dict[Word, ListSettings] = Field(default_factory=dict)
    """Published lists of addresses, by the name that bots use for them."""

    bots: Annotated[tuple[BotSettings, ...], Field(max_length=MAX_BOTS)] = ()
    """The bots."""

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, given: Any) -> Any:
        if isinstance(given, list):
            raise ValueError("a file of bots is a mapping with `bots:` and, if need be, `lists:`")
        return given
