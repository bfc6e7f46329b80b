"""The listener for operators: metrics, health, mode, reload.

The application is imported from its module by the supervisor alone: whoever reads settings has no use for a web server.
"""

from botproxy.admin.settings import Settings

__all__ = ["Settings"]
