"""The directory of known bots: files to records, all user-agent patterns in one set, whatever is wrong said at once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final, NamedTuple, final

import re2
import yaml
from pydantic import ValidationError

from botproxy.addresses import NetworkSet
from botproxy.bots.categories import category_tag
from botproxy.bots.entries import BotFile, BotSettings, ListSettings, VerifySettings
from botproxy.errors import OperatorError
from botproxy.model import Headers
from botproxy.remembered import Remembered

MIN_SECRET: Final = 32
_WIDEST4: Final = 8
_WIDEST6: Final = 19
_SET_MEMORY: Final = 1 << 26
_LONGEST_USER_AGENT: Final = 2048
"""Bytes of a User-Agent that are looked at; no bot's own name stands behind them."""

TreePath = tuple[str | int, ...]


class Fault(NamedTuple):
    """One mistake in a file of bots, and where it is."""

    file: str  # as it was named
    path: TreePath  # such as ("bots", 3, "user_agent"); () for the file as a whole
    message: str
    right: str = ""

    def __str__(self) -> str:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        said = f"{self.message} — {self.right}" if self.right else self.message
        return f"{self.file}: {where}: {said}" if where else f"{self.file}: {said}"


class DirectoryError(OperatorError):
    """Files of bots have mistakes; `problems` tells all of them, `faults` where they are."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        self.problems = tuple(map(str, faults))
        super().__init__("\n".join(self.problems))


class Key(NamedTuple):
    """A key of a client of the operator's own."""

    id: str
    algorithm: str  # "ed25519" or "hmac-sha256"
    material: bytes  # public key, or shared secret


class Bot(NamedTuple):
    """One bot of the directory, ready to be recognised."""

    name: str
    operator: str
    category: str
    purpose: str  # "search", "agent", "training" or ""
    robots: tuple[str, ...]
    tags: tuple[str, ...]  # those of the bot, then that of its category
    lists: tuple[str, ...]
    networks: NetworkSet | None
    domains: tuple[str, ...]
    signature_agent: str
    keys: tuple[Key, ...]
    ja4: frozenset[str]
    complete: bool

    @property
    def verifiable(self) -> bool:
        """Whether anything but its own word tells that a caller is this bot."""
        return bool(self.lists or self.networks is not None or self.domains or self.signature_agent or self.keys)


class PublishedList(NamedTuple):
    """Where a list of addresses is fetched from, and which part of it counts."""

    name: str
    urls: tuple[str, ...]
    key: str = ""
    where: tuple[tuple[str, str], ...] = ()


@final
class Directory:
    """All bots. Immutable but for a bounded memory of User-Agents; asked at most once for a header block."""

    __slots__ = ("_match", "_owners", "_remembered", "_unless", "agents", "bots", "by_network", "key_owners", "lists")

    def __init__(
        self,
        bots: Sequence[Bot],
        lists: Mapping[str, PublishedList],
        patterns: Sequence[tuple[int, str]],
        unless: Mapping[int, re2.Set],
    ) -> None:
        """`patterns` are pairs of a bot's position and an expression; those of `unless` keep a bot from being meant."""
        self.bots: Final = tuple(bots)
        self.lists: Final = dict(lists)
        self.agents: Final = {bot.signature_agent: bot for bot in bots if bot.signature_agent}
        self.key_owners: Final = {key.id: (bot, key) for bot in bots for key in bot.keys}
        self._owners: Final = tuple([position for position, _ in patterns])
        claimed = frozenset(self._owners)
        self.by_network: Final = tuple(
            [bot for at, bot in enumerate(bots) if bot.networks is not None and at not in claimed]
        )
        compiled = compile_set([pattern for _, pattern in patterns]) if patterns else None
        self._match: Final[Callable[[bytes], list[int] | None] | None] = None if compiled is None else compiled.Match
        self._unless: Final = dict(unless)
        self._remembered: Final[Remembered[tuple[Bot, ...]]] = Remembered(2_048, 512 * 1024, _LONGEST_USER_AGENT)

    @classmethod
    def build(cls, files: Mapping[str, BotFile], secrets: Mapping[Path, bytes] | None = None) -> Directory:
        """The bots of these files, by name of the file. Raises `DirectoryError` with every problem.

        `secrets` are the contents of files with shared secrets, by path; without them none is asked for.
        """
        builder = _Builder(secrets)
        for name, file in files.items():
            builder.take_lists(name, file.lists)
        for name, file in files.items():
            for position, entry in enumerate(file.bots):
                builder.take(name, position, entry)
        if builder.faults:
            raise DirectoryError(builder.faults)
        return cls(builder.bots, builder.lists, builder.patterns, builder.unless)

    def claimed(self, headers: Headers) -> tuple[Bot, ...]:
        """The bots that the User-Agent names, in the order of the directory."""
        if self._match is None:
            return ()
        values = headers.index.get(b"user-agent")
        if values is None:
            return ()
        user_agent = values[0][:_LONGEST_USER_AGENT]
        found = self._remembered.get(user_agent)
        if found is None:
            found = self._search(user_agent)
            self._remembered.offer(user_agent, found)
        return found

    def _search(self, user_agent: bytes) -> tuple[Bot, ...]:
        assert self._match is not None
        matched = self._match(user_agent)
        if not matched:
            return ()
        positions = sorted({self._owners[at] for at in matched})
        meant: list[Bot] = []
        for position in positions:
            unless = self._unless.get(position)
            if unless is None or not unless.Match(user_agent):
                meant.append(self.bots[position])
        return tuple(meant)


class _Builder:
    """Collects bots and faults over all files."""

    def __init__(self, secrets: Mapping[Path, bytes] | None) -> None:
        self.faults: list[Fault] = []
        self.bots: list[Bot] = []
        self.lists: dict[str, PublishedList] = {}
        self.patterns: list[tuple[int, str]] = []
        self.unless: dict[int, re2.Set] = {}
        self._secrets = secrets
        self._names: dict[str, str] = {}
        self._agents: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def take_lists(self, file: str, lists: Mapping[str, ListSettings]) -> None:
        for name, settings in lists.items():
            if name in self.lists:
                self._say(file, ("lists", name), f"the list `{name}` is here a second time", "another name")
                continue
            self.lists[name] = PublishedList(name, settings.urls, settings.key, tuple(sorted(settings.where.items())))

    def take(self, file: str, position: int, entry: BotSettings) -> None:
        path: TreePath = ("bots", position)
        where = f"{file}, bots[{position}]"
        self._once(self._names, entry.name.lower(), where, file, (*path, "name"), f"the name `{entry.name}`")
        number = len(self.bots)
        for at, pattern in enumerate(entry.user_agent):
            if self._compiles(file, (*path, "user_agent", at), pattern):
                self.patterns.append((number, pattern))
        spared = [self._compiles(file, (*path, "unless", at), each) for at, each in enumerate(entry.unless)]
        if spared and all(spared):
            self.unless[number] = compile_set(entry.unless)
        verify = entry.verify
        keys: tuple[Key, ...] = ()
        if verify is not None:
            keys = self._verify(file, (*path, "verify"), verify, where)
        self.bots.append(
            Bot(
                entry.name,
                entry.operator,
                entry.category,
                entry.purpose or "",
                entry.robots,
                (*entry.tags, category_tag(entry.category)),
                verify.lists if verify is not None else (),
                NetworkSet(verify.networks) if verify is not None and verify.networks else None,
                verify.domains if verify is not None else (),
                (verify.signature_agent or "") if verify is not None else "",
                keys,
                frozenset(verify.ja4 if verify is not None else ()),
                verify.complete if verify is not None else True,
            )
        )

    def _verify(self, file: str, path: TreePath, verify: VerifySettings, where: str) -> tuple[Key, ...]:
        for at, name in enumerate(verify.lists):
            if name not in self.lists:
                right = "one of `lists`: " + ", ".join(sorted(self.lists)[:10]) if self.lists else "add it to `lists`"
                self._say(file, (*path, "lists", at), f"there is no list `{name}`", right)
        for at, network in enumerate(verify.networks):
            if network.prefixlen < (_WIDEST4 if isinstance(network, IPv4Network) else _WIDEST6):
                what = f"{network} would verify a good part of the internet"
                self._say(file, (*path, "networks", at), what, "the networks that are the bot's alone")
        agent = verify.signature_agent
        if agent is not None:
            self._once(self._agents, agent, where, file, (*path, "signature_agent"), f"the agent `{agent}`")
        keys: list[Key] = []
        for at, settings in enumerate(verify.keys):
            place = (*path, "keys", at)
            self._once(self._keys, settings.id, where, file, (*place, "id"), f"the key `{settings.id}`")
            if settings.ed25519 is not None:
                material = base64.urlsafe_b64decode(settings.ed25519.rstrip("=") + "=")
                keys.append(Key(settings.id, "ed25519", material))
            elif settings.hmac_file is not None and self._secrets is not None:
                secret = self._secrets.get(settings.hmac_file)
                if secret is None:
                    self._say(file, (*place, "hmac_file"), f"{settings.hmac_file} cannot be read", "the path of a file")
                elif len(secret) < MIN_SECRET:
                    what = f"a secret of {len(secret)} bytes"
                    self._say(file, (*place, "hmac_file"), what, f"{MIN_SECRET} or more: openssl rand -hex 32")
                else:
                    keys.append(Key(settings.id, "hmac-sha256", secret))
        return tuple(keys)

    def _once(self, seen: dict[str, str], name: str, where: str, file: str, path: TreePath, what: str) -> None:
        first = seen.setdefault(name, where)
        if first != where:
            self._say(file, path, f"{what} is here a second time", f"another one: {first} has it")

    def _compiles(self, file: str, path: TreePath, pattern: str) -> bool:
        try:
            compile_set([pattern])
        except (re2.error, UnicodeEncodeError):
            self._say(file, path, "is no regular expression of RE2", r"such as ExampleBot/ or \bExample\b, in ASCII")
            return False
        if compile_set([pattern]).Match(b""):
            self._say(file, path, "matches every User-Agent", "a part of the name of the bot")
            return False
        return True

    def _say(self, file: str, path: TreePath, message: str, right: str = "") -> None:
        self.faults.append(Fault(file, path, message, right))


def compile_set(patterns: Sequence[str]) -> re2.Set:
    """One automaton for all patterns, over bytes. Raises `re2.error` for what is no expression."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _SET_MEMORY
    options.log_errors = False
    compiled = re2.Set.SearchSet(options)
    for pattern in patterns:
        compiled.Add(pattern.encode("ascii"))
    compiled.Compile()
    return compiled


def parse(name: str, text: str) -> BotFile:
    """One file of bots. Raises `DirectoryError` with every problem of its entries."""
    try:
        value = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError as problem:
        raise DirectoryError([Fault(name, (), f"this is not YAML: {problem}")]) from None
    try:
        return BotFile.model_validate(value if value is not None else {})
    except ValidationError as error:
        faults = [Fault(name, tuple(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        raise DirectoryError(faults) from None


def parse_all(texts: Mapping[str, str]) -> dict[str, BotFile]:
    """All files. Raises `DirectoryError` with every problem of every file."""
    files: dict[str, BotFile] = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        try:
            files[name] = parse(name, text)
        except DirectoryError as error:
            faults.extend(error.faults)
    if faults:
        raise DirectoryError(faults)
    return files
