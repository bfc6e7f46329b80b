"""What is left of a faulty configuration once its faults are taken out, so that the checks can look at the rest of it.

One spelling mistake must not hide a certificate that does not exist: an operator corrects everything in one go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from botproxy.config.document import Document, Path, Value
from botproxy.config.tree import Config

_STAND_INS: Final[dict[str, Value]] = {
    "origins": ["http://origin.invalid"],
    "zones": [{"name": "none", "origins": ["http://origin.invalid"]}],
}
_WHOLE: Final[dict[str, dict[str, Value]]] = {
    "zones": {"origins": ["http://origin.invalid"]},
    "lists": {"kind": "string", "items": []},
}
"""What stands for one item of these, so that the others keep their positions."""
_RULES: Final = frozenset(("rules", "rulesets", "presets", "access_rules", "user_agent_rules", "hook"))
"""What goes whole when anything in it is at fault."""


class Partial:
    """A configuration without the faulty values, and which those were."""

    def __init__(self, config: Config, removed: frozenset[Path]) -> None:
        self.config = config
        self._removed = removed

    def vouches_for(self, path: Path) -> bool:
        """Whether what a check says of this path is about what stands there, and not about what was taken out."""
        return not any(path[: len(gone)] == gone or gone[: len(path)] == path for gone in self._removed)


def without(document: Document, faults: Iterable[Path]) -> Partial | None:
    """The configuration without what stands at `faults`; None when nothing useful is left."""
    removed: set[Path] = set()
    tree = _copy(document.value)
    for path in faults:
        if not path:
            return None
        removed.add(_take_out(tree, path))
    try:
        return Partial(Config.model_validate(tree), frozenset(removed))
    except ValidationError:
        return None


def _copy(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _copy(child) for name, child in value.items()}
    return [_copy(child) for child in value] if isinstance(value, list) else value


def _take_out(tree: Value, path: Path) -> Path:
    """Remove the innermost key on the path; what must be there gets a stand-in. Rules go all at once, and so do the
    values of a list, because the positions of the others must stay what they are."""
    for at, part in enumerate(path):
        if part in _RULES:
            path = path[: at + 1]
            break
    if path[0] == "lists":
        path = path[:2]
    while isinstance(path[-1], int) and not (len(path) == 2 and path[0] in _WHOLE):
        path = path[:-1]
    here: Value = tree
    for part in path[:-1]:
        if isinstance(here, dict) and part in here:
            here = here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return path
    last = path[-1]
    if isinstance(here, list) and isinstance(last, int) and last < len(here):
        here[last] = _WHOLE[str(path[0])] | {"name": f"unreadable_{last}"}
    elif isinstance(here, dict) and isinstance(last, str):
        here.pop(last, None)
        if last == "name" and len(path) == 3:
            here["name"] = f"unnamed-{path[1]}"
        elif last in _STAND_INS:
            here[last] = _STAND_INS[last]
    return path
