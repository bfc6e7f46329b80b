"""Anomaly detection: the supervisor learns what is usual on a site, and tells workers who stands out of it."""

from botproxy.scoring.anomaly.baseline import Baseline
from botproxy.scoring.anomaly.engine import AnomalyDetection, Outliers
from botproxy.scoring.anomaly.found import AnomalyError, Found, frames, read
from botproxy.scoring.anomaly.learner import Learner
from botproxy.scoring.anomaly.settings import Settings
from botproxy.scoring.anomaly.site import Site

__all__ = [
    "AnomalyDetection",
    "AnomalyError",
    "Baseline",
    "Found",
    "Learner",
    "Outliers",
    "Settings",
    "Site",
    "frames",
    "read",
]
