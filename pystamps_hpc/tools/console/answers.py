"""Answers of the console: compact JSON, pictures with a tag, errors as one line with status."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...errors import ConfigError, LockError, PystampsError, ToolMissingError, explained
from ...pipeline.documents import json_ready
from ..drawing.colours import Scale, palette
from .raster import COLOURS
from .trees import UnknownNameError

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnknownNameError, 404),
    (ConfigError, 422),
    (LockError, 409),
    (ToolMissingError, 501),
    (PystampsError, 409),
    (OSError, 503),
    (MemoryError, 503),
)
"""Error -> status of the answer; the first that fits."""


def document(content: Any, status: int = 200) -> Response:
    """Return a document as JSON without blanks; numbers that are not finite become null."""
    text = json.dumps(json_ready(content), separators=(",", ":"), allow_nan=False)
    return Response(text, status, media_type="application/json")


def refusal(error: Exception) -> Response:
    """Return what a client is told of an error that can be expected.

    A file that a run replaces while it is read is such an error: the client asks again.
    """
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    return document({"error": explained(error, "the answer") or str(error)}, status)


def tell_errors(app: FastAPI) -> None:
    """Let an application answer errors with one line of JSON."""

    async def expected(request: Request, error: Exception) -> Response:
        return refusal(error)

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return document({"error": str(error.detail)}, error.status_code)

    async def of_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [
            f"{'.'.join(str(word) for word in each['loc'][1:])}: {each['msg']}"
            for each in error.errors()
        ]
        return document({"error": "; ".join(wrong)}, 422)

    for kind, _ in STATUS:
        app.add_exception_handler(kind, expected)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_request)


def hex_colours(scale: Scale) -> list[str]:
    """Return the colours of a scale as a page writes them, from the lower end."""
    return ["#" + bytes(colour).hex() for colour in palette(scale.name, COLOURS).astype(np.uint8)]


def tagged(request: Request, of_what: Any, kind: str, make: Callable[[], bytes]) -> Response:
    """Return a picture, or that the client has it; the tag holds the state of the artifacts."""
    tag = f'"{hashlib.blake2b(repr(of_what).encode(), digest_size=12).hexdigest()}"'
    # identity: a picture is not compressed again
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Encoding": "identity"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=kind, headers=headers)
