"""What the machine must allow before libraries are loaded that do not ask."""

import resource

LEAST_ADDRESS_SPACE = 1 << 30


def require_address_space() -> None:
    """Refuse a limit of the address space below what the libraries take for themselves.

    OpenBLAS, while it is loaded, asks for its buffers until it gets them; nothing can end that.

    Raises
    ------
    MemoryError
        The limit is too low.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_ADDRESS_SPACE:
        raise MemoryError(
            f"address space is limited to {limit >> 20} MiB (ulimit -v), the libraries alone take "
            f"up to {LEAST_ADDRESS_SPACE >> 20} MiB"
        )
