"""Configuration: every room's settings composed into one tree, read from a file or the command line, and checked."""

from botproxy.config.lists import NO_LISTS, LoadedLists
from botproxy.config.load import Examined, examine, load
from botproxy.config.problems import ConfigError, Problem
from botproxy.config.secrets import VARIABLE, load_keyring
from botproxy.config.source import Source
from botproxy.config.tree import Config, Mode, ZoneSettings

__all__ = [
    "NO_LISTS",
    "VARIABLE",
    "Config",
    "ConfigError",
    "Examined",
    "LoadedLists",
    "Mode",
    "Problem",
    "Source",
    "ZoneSettings",
    "examine",
    "load",
    "load_keyring",
]
