"""Numbered models in `DIR/models`: which one scores, which ones did before, and which one is tried beside it.

    models/0007.model   the file of a model, as `model.encode` writes it
    models/0007.json    its card: what it was fitted on, its figures, when, and what the gate said
    models/models.json  which ones are in use

Number 0 is the model that comes with the product. A file is read whole and checked before it is pointed to, and every
change replaces `models.json` as a whole, so that a crash leaves the old state or the new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import orjson

from botproxy.errors import OperatorError
from botproxy.scoring.ml.model import MAX_BYTES, Model, ModelError, decode, encode
from botproxy.scoring.ml.vector import NAMES
from botproxy.store import whole_file

FOLDER: Final = "models"
STATE: Final = "models.json"
SHIPPED: Final = 0
"""The number of the model that comes with the product."""

MOST: Final = 20
"""Versions that are kept. Beyond, the oldest go that are not in use and not the way back."""

MOST_BEFORE: Final = 10
"""Versions that roll-back can reach, the last one first."""

_LARGEST_CARD: Final = 1024 * 1024
_LARGEST_NUMBER: Final = 999_999


class RegistryError(OperatorError):
    """The registry cannot do what it was asked to; nothing has changed."""


class Trial(NamedTuple):
    """A model that is asked beside the active one, and decides nothing."""

    number: int
    share: int  # one of so many requests
    since: float  # seconds since the epoch
    until: float


class State(NamedTuple):
    """What `models.json` says."""

    active: int = SHIPPED
    chosen: int = SHIPPED  # by an operator: what zones with `auto_update_model: false` stay with
    before: tuple[int, ...] = ()  # active ones of old, the last one last
    trial: Trial | None = None
    last: int = 0  # the highest number that was ever given


class Version(NamedTuple):
    """One model of the registry."""

    number: int
    card: Mapping[str, Any]
    size: int  # bytes of its file
    problem: str  # why it cannot be used; "" when it can


@final
class Registry:
    """The models of one data directory. Methods that change something exclude each other between processes."""

    def __init__(self, data: Path) -> None:
        """`data` is the data directory; nothing is made before something is written."""
        self.folder: Final = data / FOLDER

    @property
    def state_file(self) -> Path:
        """What changes whenever another model is to be used."""
        return self.folder / STATE

    def state(self) -> State:
        """What is in use. Raises `RegistryError` for a file that cannot be understood."""
        try:
            said = orjson.loads(self.state_file.read_bytes())
        except FileNotFoundError:
            return State()
        except (OSError, orjson.JSONDecodeError) as problem:
            raise RegistryError(f"{self.state_file}: {problem}") from None
        try:
            trial = said["trial"]
            return State(
                _number(said["active"]),
                _number(said["chosen"]),
                tuple([_number(each) for each in said["before"]])[-MOST_BEFORE:],
                None
                if trial is None
                else Trial(
                    _number(trial["number"]),
                    max(1, _number(trial["share"])),
                    float(trial["since"]),
                    float(trial["until"]),
                ),
                _number(said["last"]),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise RegistryError(f"{self.state_file}: this says not which model is in use ({problem})") from None

    def read(self, number: int) -> Model:
        """A model by its number, not the shipped one. Raises `ModelError`."""
        path = self._path(number)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ModelError(f"{path}: more than {MAX_BYTES} bytes; it is not read")
            return decode(path.read_bytes(), NAMES)
        except OSError as problem:
            raise ModelError(f"{path}: {problem.strerror or problem}") from None
        except ModelError as problem:
            raise ModelError(str(problem) if str(path) in str(problem) else f"{path}: {problem}") from None

    def card(self, number: int) -> dict[str, Any]:
        """What was written down with a model; empty when that cannot be read."""
        path = self._path(number).with_suffix(".json")
        try:
            if path.stat().st_size > _LARGEST_CARD:
                return {}
            said = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return said if isinstance(said, dict) else {}

    def versions(self) -> list[Version]:
        """Every model that is kept, by number, each read and checked."""
        found: list[Version] = []
        for number in self._numbers():
            problem = ""
            try:
                self.read(number)
            except ModelError as why:
                problem = str(why)
            path = self._path(number)
            found.append(Version(number, self.card(number), path.stat().st_size if path.exists() else 0, problem))
        return found

    def find(self, version: str) -> Model | None:
        """The model that calls itself so, the newest first; None when none is kept that does, or can be read."""
        for number in reversed(self._numbers()):
            with suppress(ModelError):
                model = self.read(number)
                if model.version == version:
                    return model
        return None

    def add(self, model: Model, card: Mapping[str, Any]) -> int:
        """Keep a model under a new number, which nobody uses yet; the number. Raises `OperatorError`."""
        content = encode(model)
        decode(content, NAMES)  # what could not be read again is not kept
        with self._locked() as state:
            number = max([state.last, *self._numbers()]) + 1
            whole_file.write(self._path(number), content)
            whole_file.write(
                self._path(number).with_suffix(".json"), orjson.dumps(dict(card), option=orjson.OPT_INDENT_2)
            )
            self._prune(self._put(state._replace(last=number)))
            return number

    def use(self, number: int) -> State:
        """An operator's choice: for every zone, those included that do not update by themselves.

        Raises `OperatorError`, and then nothing has changed.
        """
        with self._locked() as state:
            self._check(number)
            return self._put(_pointed(state, number)._replace(chosen=number))

    def promote(self, number: int) -> State:
        """The same without an operator: zones with `auto_update_model: false` stay with what was chosen."""
        with self._locked() as state:
            self._check(number)
            return self._put(_pointed(state, number))

    def rollback(self) -> State:
        """Back to the last version before that can still be read, for every zone. Raises `RegistryError`."""
        with self._locked() as state:
            before = list(state.before)
            while before:
                number = before.pop()
                try:
                    self._check(number)
                except ModelError:
                    continue
                return self._put(state._replace(active=number, chosen=number, before=tuple(before), trial=None))
            raise RegistryError("there is no version before this one")

    def demote(self) -> State:
        """The same without an operator: what was chosen stays. The shipped one is the last way back."""
        with self._locked() as state:
            before = list(state.before)
            while before:
                number = before.pop()
                try:
                    self._check(number)
                except ModelError:
                    continue
                return self._put(state._replace(active=number, before=tuple(before), trial=None))
            return self._put(state._replace(active=SHIPPED, before=(), trial=None))

    def begin_trial(self, trial: Trial) -> State:
        """Ask this model beside the active one. Raises `OperatorError`."""
        with self._locked() as state:
            self._check(trial.number)
            return self._put(state._replace(trial=trial))

    def end_trial(self) -> State:
        """Ask the active one alone."""
        with self._locked() as state:
            return self._put(state._replace(trial=None))

    def _check(self, number: int) -> None:
        if number != SHIPPED:
            self.read(number)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04d}.model"

    def _numbers(self) -> list[int]:
        found = [path.stem for path in self.folder.glob("*.model")] if self.folder.is_dir() else []
        return sorted(int(name) for name in found if name.isdigit() and 0 < int(name) <= _LARGEST_NUMBER)

    def _prune(self, state: State) -> None:
        held = {state.active, state.chosen, state.last, *state.before}
        if state.trial is not None:
            held.add(state.trial.number)
        numbers = self._numbers()
        spare = [number for number in numbers if number not in held]
        for number in spare[: max(0, len(numbers) - MOST)]:
            self._path(number).unlink(missing_ok=True)
            self._path(number).with_suffix(".json").unlink(missing_ok=True)

    def _put(self, state: State) -> State:
        said = {**state._asdict(), "trial": None if state.trial is None else state.trial._asdict()}
        whole_file.write(self.state_file, orjson.dumps(said, option=orjson.OPT_INDENT_2))
        return state

    @contextmanager
    def _locked(self) -> Iterator[State]:
        try:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as problem:
            raise RegistryError(f"{self.folder}: {problem.strerror or problem}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield self.state()
        except OSError as problem:
            raise RegistryError(f"{self.folder}: {problem.strerror or problem}") from None
        finally:
            os.close(descriptor)


def _pointed(state: State, number: int) -> State:
    if number == state.active:
        return state._replace(trial=None)
    return state._replace(active=number, before=(*state.before, state.active)[-MOST_BEFORE:], trial=None)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_NUMBER:
        raise ValueError(f"{value!r} is not the number of a model")
    return value
