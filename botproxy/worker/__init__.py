"""The data plane: one process of it serves requests on one event loop."""
