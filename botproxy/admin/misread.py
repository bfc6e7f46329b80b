"""The answer to a body that is not what was asked for."""

from __future__ import annotations

import orjson
from aiohttp import web
from pydantic import ValidationError


def said(error: ValidationError, right: str) -> str:
    """What is wrong, and what would be right."""
    found = "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:20]
    )
    return f"{found}. Send {right}"


def misread(error: ValidationError, right: str) -> web.Response:
    """422, with what is wrong and what would be right."""
    body = orjson.dumps({"error": said(error, right)}) + b"\n"
    return web.Response(body=body, status=422, content_type="application/json")
