"""A self-hosted reverse proxy that scores every request from bot to human and acts by rules."""
