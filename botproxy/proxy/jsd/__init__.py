"""JavaScript detections on the wire: what a page is given, and what comes back."""
