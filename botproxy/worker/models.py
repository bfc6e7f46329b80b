"""Which models the engines of a configuration ask: those that the operator named, or those of the registry."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from botproxy.config import Config
from botproxy.config.lists import Signature, signature_of
from botproxy.scoring import Engine, load_clients, load_model
from botproxy.telemetry import log
from botproxy.tls import shipped_clients

if TYPE_CHECKING:
    from botproxy.scoring.ml import Model
    from botproxy.scoring.ml.registry import Registry

_log = logging.getLogger(__name__)


class Engines(NamedTuple):
    """The engines that learned; None where no model is asked."""

    active: Engine | None = None
    chosen: Engine | None = None  # of zones with `auto_update_model: false`
    watched: tuple[tuple[str, Signature], ...] = ()
    """A file that changes when other models are to be asked, and what it was like."""


def engines(config: Config) -> Engines:
    """The engines of this configuration. Raises `OperatorError` for a model that the configuration names.

    A model of the registry that cannot be read is passed over for the version before it, and that is logged: a file
    that was damaged since it was checked must not keep a site from starting.
    """
    settings = config.scoring.machine_learning
    if not settings.enabled:
        return Engines()
    from botproxy.scoring.ml import MachineLearning  # with numpy: only where a model is asked

    clients = load_clients(config.scoring.heuristics) or shipped_clients()
    if settings.model is not None:
        model = load_model(settings)
        one = None if model is None else MachineLearning(model, clients, settings.record_features)
        return Engines(one, one)
    from botproxy.scoring.ml.registry import SHIPPED, Registry, RegistryError, State

    registry = Registry(config.data)
    file = registry.state_file
    watched = ((str(file), signature_of(file) or (0, 0, 0)),)
    try:
        state = registry.state()
    except RegistryError as problem:
        _log.error("the shipped model scores", extra=log.fields(problem=str(problem)))
        state = State()
    shipped = load_model(settings)
    active = _first(registry, (state.active, *reversed(state.before))) or shipped
    if active is None:
        return Engines(watched=watched)
    trial, share = (None, 1) if state.trial is None else (_first(registry, (state.trial.number,)), state.trial.share)
    first = MachineLearning(active, clients, settings.record_features, trial, share)
    if all(zone.bot_management.auto_update_model for zone in config.zones):
        return Engines(first, first, watched)
    chosen = shipped if state.chosen == SHIPPED else _first(registry, (state.chosen,)) or shipped
    if chosen is None:
        return Engines(first, None, watched)
    return Engines(first, MachineLearning(chosen, clients, settings.record_features), watched)


def training(config: Config) -> dict[str, Any] | None:
    """What the supervisor needs to train models all the time; None where that is off, or a file is named."""
    settings = config.scoring.machine_learning
    if not (settings.enabled and settings.training.enabled and settings.model is None):
        return None
    return settings.training.model_dump(mode="json")


def _first(registry: Registry, numbers: tuple[int, ...]) -> Model | None:
    """The first that can be read; None for the shipped one."""
    from botproxy.scoring.ml import ModelError

    for number in numbers:
        if number == 0:
            return None
        try:
            return registry.read(number)
        except ModelError as problem:
            _log.error("a model is passed over", extra=log.fields(model=number, problem=str(problem)))
    return None
