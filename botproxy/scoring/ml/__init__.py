"""Machine learning: boosted trees that were fitted elsewhere, asked here with numpy alone."""

from botproxy.scoring.ml.contributions import Explanation, explain
from botproxy.scoring.ml.engine import MachineLearning
from botproxy.scoring.ml.feature import Feature, Group
from botproxy.scoring.ml.model import MAX_BYTES, Calibration, Model, ModelError, decode, encode, score_of
from botproxy.scoring.ml.trees import Trees
from botproxy.scoring.ml.vector import FEATURES, NAMES, Vectors

__all__ = [
    "FEATURES",
    "MAX_BYTES",
    "NAMES",
    "Calibration",
    "Explanation",
    "Feature",
    "Group",
    "MachineLearning",
    "Model",
    "ModelError",
    "Trees",
    "Vectors",
    "decode",
    "encode",
    "explain",
    "score_of",
]
