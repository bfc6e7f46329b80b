"""What a worker knows about addresses, keys and single-use signatures. Bounded, and without a way to find out more.

Who asks and who answers is elsewhere; here is only what was said, how long it stands, and what there is to be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Generic, NamedTuple, TypeVar, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from botproxy.addresses import NetworkSet

T = TypeVar("T")

NAMES: Final = "names"
KEYS: Final = "keys"
ONCE: Final = "once"

AGAIN: Final = "again"
"""Of KEYS: a key is not among those that are known."""

AWAY_SECONDS: Final = 30.0
"""How long a question that was not answered is not asked again."""


class Question(NamedTuple):
    """Something to find out. Equal questions are asked once."""

    kind: str  # NAMES, KEYS or ONCE
    subject: str  # an address; an agent, `https://host`; 64 hex digits
    details: tuple[str, ...] = ()  # NAMES: domains; KEYS: AGAIN, or nothing
    seconds: float = 0.0  # ONCE: how long it has to be remembered

    @property
    def key(self) -> str:
        """The same for equal questions."""
        return f"{self.kind} {self.subject} {' '.join(self.details)}"


class NameVerdict(NamedTuple):
    """Whether an address has a name of these domains. `confirmed` is None when nobody could say."""

    confirmed: bool | None
    until: float  # seconds since the epoch


class Published(NamedTuple):
    """A published list of addresses as it was last fetched."""

    networks: NetworkSet
    fetched: float  # seconds since the epoch


class AgentKeys(NamedTuple):
    """The keys of an agent, by thumbprint, as they were last fetched."""

    keys: Mapping[str, Ed25519PublicKey]
    fetched: float  # when they were last really seen; 0 when never
    until: float  # when they are to be fetched again; before, a key that is not there does not exist
    reached: bool  # whether the last attempt got them


class Used(NamedTuple):
    """A signature that is good once."""

    ray: str  # of the request that came first
    confirmed: bool | None  # whether it was the first anywhere; None while that is not known


class Bounded(Generic[T]):
    """Values by text in two generations of at most `size` each; what was not used for longest is forgotten."""

    __slots__ = ("_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        self._size: Final = max(1, size)
        self._young: dict[str, T] = {}
        self._old: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: str) -> T | None:
        """The value of this key."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def items(self) -> dict[str, T]:
        """All of them, those used last at the end."""
        return {**self._old, **self._young}

    def put(self, key: str, value: T) -> None:
        """Set the value of this key."""
        if len(self._young) >= self._size and key not in self._young:
            self._old = self._young
            self._young = {}
        self._young[key] = value


@final
class Knowledge:
    """One a worker. `names` is the number of addresses, and of single-use signatures, that are remembered."""

    __slots__ = ("agents", "lists", "names", "used")

    def __init__(self, names: int) -> None:
        self.names: Final[Bounded[NameVerdict]] = Bounded(names // 2)
        self.used: Final[Bounded[Used]] = Bounded(names // 2)
        self.lists: Final[dict[str, Published]] = {}  # no more than the directory has
        self.agents: Final[dict[str, AgentKeys]] = {}  # no more than the directory has

    def name(self, question: Question, now: float) -> tuple[bool | None, bool]:
        """What is known about the names of an address, and whether it is to be asked (again).

        A confirmed name stands until something else is said, however old it is.
        """
        verdict = self.names.get(question.key)
        if verdict is None:
            return None, True
        return verdict.confirmed, now >= verdict.until

    def learn_name(self, question: Question, confirmed: bool | None, now: float, seconds: float) -> None:
        """Take an answer that stands for `seconds`. When nobody could say, the last good one goes on standing."""
        if confirmed is None:
            last = self.names.get(question.key)
            confirmed = last.confirmed if last is not None else None
        self.names.put(question.key, NameVerdict(confirmed, now + seconds))

    def learn_keys(
        self, agent: str, keys: Mapping[str, Ed25519PublicKey] | None, now: float, seconds: float, age: float = 0.0
    ) -> None:
        """Take the keys of an agent, fetched `age` seconds ago; None when they could not be had: then the last ones go
        on standing."""
        if keys is None:
            last = self.agents.get(agent)
            known, fetched = (last.keys, last.fetched) if last is not None else ({}, 0.0)
            self.agents[agent] = AgentKeys(known, fetched, now + seconds, False)
        else:
            self.agents[agent] = AgentKeys(keys, now - age, now + seconds, True)

    def learn_list(self, name: str, networks: NetworkSet, fetched: float) -> None:
        """Take a published list."""
        self.lists[name] = Published(networks, fetched)

    def use(self, key: str, ray: str) -> Used:
        """Who used a signature first; whoever asks first is it."""
        used = self.used.get(key)
        if used is None:
            used = Used(ray, None)
            self.used.put(key, used)
        return used

    def learn_use(self, key: str, first: bool | None) -> None:
        """Take whether a signature was used nowhere before; None when nobody could say."""
        used = self.used.get(key)
        if used is not None and first is not None:
            self.used.put(key, Used(used.ray, first))
