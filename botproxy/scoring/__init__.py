"""How likely a request is a person's: engines with opinions, and one score out of them."""

from botproxy.scoring.asked import Asked, kept, shadow_detections, shadowed, text_of
from botproxy.scoring.asked import read as read_asked
from botproxy.scoring.combine import UNDECIDED, combine
from botproxy.scoring.engine import Engine
from botproxy.scoring.groups import group, score_group
from botproxy.scoring.heuristics import FAMILY, OWN, Fault, Fingerprint, Heuristics, HeuristicsError, ZoneHeuristics
from botproxy.scoring.settings import (
    HeuristicsSettings,
    MachineLearningSettings,
    Settings,
    TrainingSettings,
    ZoneHeuristicsSettings,
)
from botproxy.scoring.shipped import load_clients, load_heuristics, load_model, shipped_fingerprints
from botproxy.scoring.smoothing import smoothed
from botproxy.scoring.static_resources import is_static_resource

__all__ = [
    "FAMILY",
    "OWN",
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
    "TrainingSettings",
    "ZoneHeuristics",
    "ZoneHeuristicsSettings",
    "combine",
    "group",
    "is_static_resource",
    "kept",
    "load_clients",
    "load_heuristics",
    "load_model",
    "read_asked",
    "score_group",
    "shadow_detections",
    "shadowed",
    "shipped_fingerprints",
    "smoothed",
    "text_of",
]
