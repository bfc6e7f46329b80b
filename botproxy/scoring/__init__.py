"""How likely a request is a person's: engines with opinions, and one score out of them."""

from botproxy.scoring.asked import Asked, kept, text_of
from botproxy.scoring.combine import UNDECIDED, combine
from botproxy.scoring.engine import Engine
from botproxy.scoring.groups import group, score_group
from botproxy.scoring.heuristics import Fault, Fingerprint, Heuristics, HeuristicsError
from botproxy.scoring.settings import HeuristicsSettings, MachineLearningSettings, Settings
from botproxy.scoring.shipped import load_clients, load_heuristics, load_model, shipped_fingerprints
from botproxy.scoring.smoothing import smoothed
from botproxy.scoring.static_resources import is_static_resource

__all__ = [
    "UNDECIDED",
    "Asked",
    "Engine",
    "Fault",
    "Fingerprint",
    "Heuristics",
    "HeuristicsError",
    "HeuristicsSettings",
    "MachineLearningSettings",
    "Settings",
    "combine",
    "group",
    "is_static_resource",
    "kept",
    "load_clients",
    "load_heuristics",
    "load_model",
    "score_group",
    "shipped_fingerprints",
    "smoothed",
    "text_of",
]
