"""The fingerprints that come with the product and those of the operator, read once at start."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from botproxy.scoring.heuristics import Heuristics, HeuristicsError
from botproxy.scoring.settings import HeuristicsSettings, MachineLearningSettings, Settings
from botproxy.tls import KnownClients, KnownClientsError, shipped_clients_text

if TYPE_CHECKING:
    from botproxy.scoring.ml import Model


def shipped_fingerprints() -> dict[str, str]:
    """Text of every file of fingerprints in the package, by name, in the order of their names."""
    folder = files("botproxy.scoring").joinpath("fingerprints")
    found = sorted((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return dict(found)


def load_heuristics(settings: Settings) -> Heuristics | None:
    """The engine as the settings want it, or None when it is off. Raises `HeuristicsError`."""
    asked = settings.heuristics
    if not asked.enabled:
        return None
    texts = shipped_fingerprints()
    problems: list[str] = []
    for path in asked.files:
        try:
            texts[str(path)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            problems.append(f"{path}: {problem}")
    if problems:
        raise HeuristicsError(tuple(problems))
    return Heuristics.load(texts, asked.disabled, load_clients(asked))


def load_clients(settings: HeuristicsSettings) -> KnownClients | None:
    """Clients that are known by their TLS, or None when only the shipped ones are. Raises `HeuristicsError`."""
    if not settings.tls_clients:
        return None
    texts: dict[str, str] = {}
    problems: list[str] = []
    for path in settings.tls_clients:
        try:
            texts[str(path)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            problems.append(f"{path}: {problem}")
    if problems:
        raise HeuristicsError(tuple(problems))
    try:
        # Those of the operator come first, because they may know better.
        return KnownClients.read({**texts, "known_clients.yaml": shipped_clients_text()})
    except KnownClientsError as error:
        raise HeuristicsError(error.problems) from None


def load_model(settings: MachineLearningSettings) -> Model | None:
    """The model that the settings name, or the shipped one; None when none is to be asked. Raises `OperatorError`."""
    if not settings.enabled:
        return None
    from botproxy.scoring.ml import NAMES, ModelError, decode  # with numpy: only where a model is asked

    if settings.model is None:
        shipped = files("botproxy.scoring.ml").joinpath("default.model")
        return decode(shipped.read_bytes(), NAMES) if shipped.is_file() else None
    try:
        return decode(settings.model.read_bytes(), NAMES)
    except OSError as problem:
        raise ModelError(f"{settings.model}: {problem.strerror or problem}") from None
    except ModelError as problem:
        raise ModelError(f"{settings.model}: {problem}") from None
