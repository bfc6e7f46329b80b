"""What is wrong with the operator's files about addresses."""

from __future__ import annotations

from botproxy.errors import OperatorError


class PlacesError(OperatorError):
    """A database or a list cannot be used. The text names the file."""
