"""What operators changed on the running proxy: an overlay in the data directory, on top of the configuration.

The configuration's file is the truth; the overlay says what differs from it, in versions that can be gone back to.
"""

from botproxy.config.overlay.merging import merged
from botproxy.config.overlay.nodes import SECOND, unshifted
from botproxy.config.overlay.versions import DIRECTORY, NO_OVERLAY, OverlayText, current

__all__ = ["DIRECTORY", "NO_OVERLAY", "SECOND", "OverlayText", "current", "merged", "unshifted"]
