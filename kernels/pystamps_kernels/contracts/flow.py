"""Contracts of the cheapest cycles on a network of chains."""

from .model import Array, Kernel, Scalar

_CHAINS = (
    Array("tail", "n_chain", "i32", "face that a chain leaves"),
    Array("head", "n_chain", "i32", "face that a chain enters"),
    Array("n_arcs", "n_chain", "i32", "arcs of the chain"),
    Array("offset", "n_chain", "i32", "wrapped minus expected phase along it [1/200 cycle]"),
    Array("sigsq", "n_chain", "i32", "variance in units of the cost, 0 without statistics"),
)
_STOP = Array("stop", "1", "bool", "set from outside to make the kernel return at once")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_cheapest_flow",
        "cycles of least cost, a chain without statistics paying for every cycle",
        (*_CHAINS, Array("supply", "n_face", "i64", "cycles that have to leave each face"), _STOP),
        (
            Array("cycles", "n_chain", "i64", "cycles of each chain"),
            Array("potential", "n_face", "i64", "proof of optimality: what a cycle costs there"),
            Scalar("left", "cycles without a way; after a stop those not yet sent", int),
        ),
    ),
    Kernel(
        "stage6_share_free_chains",
        "cycles that cost less where a chain without statistics pays once for any number",
        (
            *_CHAINS,
            Array("cycles", "n_chain", "i64", "cycles of least cost"),
            Array("potential", "n_face", "i64", "their potentials"),
            _STOP,
        ),
        (Array("cycles", "n_chain", "i64", "cycles of each chain"),),
    ),
)
