"""The kernels from their contracts: a page, and typed calls for type checkers."""

from pystamps_kernels.contracts import SUBJECTS, Array, Kernel, Scalar, all_kernels
from pystamps_kernels.contracts.model import DTYPES
from pystamps_kernels.dispatch import function

from .markdown import code, table


def kernels() -> str:
    """Every kernel and its contract."""
    parts = [
        "# Kernels\n\n",
        "The numerical kernels (package `pystamps_kernels`): arrays in, arrays out, usable "
        "without the rest. A section is a subject, the name of the file in `contracts/` and in "
        "every backend; a kernel's name begins with the stage that it was made for. Each has a "
        "*python* form (NumPy, the definition) and may have a *native* one (Numba, threaded) and a "
        "*cuda* one ([GPUs](../gpu.md)); "
        "`pystamps-hpc describe-backends` says what runs here. "
        "A kernel with two forms has a second function of the same name with `_single`, the mixed "
        "single precision of StaMPS; in some, of the native backend alone, the second is the one "
        "that calls the C library for angles, cosines and sines. "
        "Tolerance is the largest absolute difference between a "
        "backend and the definition; 0 means identical to the last bit. Where a second one is "
        "given for `native double`, that form computes in single precision, and the bound holds "
        "for unit phasors.\n",
    ]
    for subject in SUBJECTS:
        own = [kernel for kernel in all_kernels().values() if kernel.module == subject]
        parts.append(f"\n## {subject}\n")
        parts += map(kernel_section, own)
    return "".join(parts)


def capital(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def kernel_section(kernel: Kernel) -> str:
    """Describe one kernel."""
    backends = [name for name in ("python", "native", "cuda") if function(kernel, name, "double")]
    forms = "double and single" if kernel.single else "one for both arithmetics"
    if kernel.native_single:
        forms += "; native double and single"
    rows = [argument_row(item, "in", "") for item in kernel.arguments]
    rows += [argument_row(item, "out", tolerances(kernel, item.name)) for item in kernel.returns]
    return (
        f"\n### {kernel.name}\n\n{capital(kernel.summary)}.\n\n"
        f"Backends: {', '.join(backends)}. Form: {forms}.\n\n"
        + table(("", "Name", "Shape", "Type", "Meaning", "Tolerance"), rows)
    )


def tolerances(kernel: Kernel, name: str) -> str:
    """Return how far a backend may be from the definition, and the native form where it differs."""
    every = f"{kernel.tolerance.get(name, 0):g}"
    own = kernel.native_double.get(name)
    return every if own is None else f"{every}; native double {own:g}"


def argument_row(item: Array | Scalar, way: str, tolerance: str) -> tuple[str, ...]:
    """Return the table row of an argument or result."""
    if isinstance(item, Scalar):
        return way, code(item.name), "", "number", item.meaning, tolerance
    shape = f"({', '.join(item.shape.split())})"
    kinds = item.dtypes.replace(" ", " or ")
    return way, code(item.name), shape, kinds, item.meaning, tolerance


def signatures() -> str:
    """Every kernel as a typed call, for type checkers."""
    methods = "".join(map(signature, all_kernels().values()))
    return (
        '"""The kernels as typed calls: what the contracts say of arguments and results."""\n\n'
        "import numpy as np\nfrom numpy.typing import NDArray\n\n"
        'class Signatures:\n    """Calls of all kernels, arguments by position."""\n\n' + methods
    )


def signature(kernel: Kernel) -> str:
    """Return the declaration of one kernel's call."""
    arguments = "".join(
        f"        {item.name}: {hint(item, exact=False)},\n" for item in kernel.arguments
    )
    results = [hint(item, exact=True) for item in kernel.returns]
    joined = ", ".join(results)
    answer = joined if len(results) == 1 else f"tuple[{joined}]"
    if len(answer) > 80:
        answer = "tuple[\n" + "".join(f"        {result},\n" for result in results) + "    ]"
    return f"    def {kernel.name}(\n        self,\n{arguments}        /,\n    ) -> {answer}: ...\n"


def hint(item: Array | Scalar, exact: bool) -> str:
    """Return the type of an argument, of any precision, or of a result."""
    if isinstance(item, Scalar):
        return item.kind.__name__
    names = item.dtypes.split()
    any_precision = {"f": "floating", "c": "complexfloating", "cf": "inexact"}
    kind = "".join(sorted({name[0] for name in names}))
    if kind in any_precision and not (exact and len(names) == 1):
        return f"NDArray[np.{any_precision[kind]}]"
    return f"NDArray[np.{DTYPES[names[0]].__name__}]"
