"""The files of the pages: a fixed list, each with a tag that tells a browser whether it changed."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
INDEX = "index.html"


@cache
def page_files() -> dict[str, tuple[bytes, str, str]]:
    """Return name -> content, media type and tag of every file of the pages."""
    found = {}
    for file in files(__package__).joinpath("pages").iterdir():
        kind = KINDS.get(file.name.rpartition(".")[2])
        if kind is not None:
            content = file.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            found[file.name] = (content, kind, tag)
    return found


def page_paths() -> frozenset[str]:
    """Return the paths under which the files are served."""
    return frozenset({"/", *(f"/{name}" for name in page_files())})


def router() -> APIRouter:
    """Return the routes of the files."""
    routes = APIRouter(include_in_schema=False)

    def serve(name: str) -> None:
        content, kind, tag = page_files()[name]

        def answer(request: Request) -> Response:
            headers = {"ETag": tag, "Cache-Control": "no-cache"}
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers=headers)
            return Response(content, media_type=kind, headers=headers)

        for path in (f"/{name}", *(["/"] if name == INDEX else [])):
            routes.add_api_route(path, answer, methods=["GET", "HEAD"], response_class=Response)

    for name in page_files():
        serve(name)
    return routes
