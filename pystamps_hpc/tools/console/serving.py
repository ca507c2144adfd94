"""The server of the console: one process, on the loopback interface alone."""

import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ...config import RunConfig
from ...errors import ConfigError, ToolMissingError

HOST = "127.0.0.1"
TOKEN_BYTES = 32


def require_server() -> None:
    """Refuse where the libraries of the server are missing.

    Raises
    ------
    ToolMissingError
        FastAPI, uvicorn or Pillow cannot be imported.
    """
    try:
        import fastapi
        import PIL  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ToolMissingError(
            f"the console needs FastAPI, uvicorn and Pillow ({error}): install the extra "
            "'console', pip install 'pystamps-hpc[console]'"
        ) from None
    del fastapi


def serve(
    roots: Sequence[Path],
    config: RunConfig,
    port: int,
    allow_run: bool = False,
    config_file: str = "",
    tell: Callable[[str, int], None] = lambda url, port: None,
) -> None:
    """Serve datasets until the process is interrupted.

    Parameters
    ----------
    roots : sequence of Path
        Datasets.
    config : RunConfig
        Configuration with which they are looked at, and runs are started.
    port : int
        Port; 0 is any that is free.
    allow_run : bool
        Whether runs may be started and parameters changed.
    config_file : str, optional
        Where the configuration comes from.
    tell : callable, optional
        Gets the address, which holds the token, and the port, before the first request.

    Raises
    ------
    ToolMissingError
        The libraries of the server are missing.
    ConfigError
        The port is in use.
    DatasetError
        A directory holds no dataset.
    """
    require_server()
    import uvicorn

    from .app import create_app
    from .guard import Access

    with bound(port) as listening:
        port = listening.getsockname()[1]
        access = Access(secrets.token_urlsafe(TOKEN_BYTES), port, allow_run)
        app = create_app(roots, config, access, config_file)
        server = uvicorn.Server(settings(app))
        tell(address(access.token, port), port)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def address(token: str, port: int) -> str:
    """Return the address at which a console is opened."""
    return f"http://{HOST}:{port}/?token={token}"


def settings(app: object) -> "uvicorn.Config":  # type: ignore[name-defined]  # noqa: F821
    """Return how the server runs: quiet, and not telling what it is."""
    import uvicorn

    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )


def bound(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface.

    Raises
    ------
    ConfigError
        The port is in use, or not ours to use.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        cause = getattr(error, "strerror", None) or "no port"
        raise ConfigError(
            f"port {port}: {cause}; choose another with --port, 0 takes any free one"
        ) from None
    return listening
