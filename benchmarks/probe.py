"""Processor seconds of native kernels in whichever tree is on the path; run as a file, by its path.

    python -P benchmarks/probe.py POINTS IFGS REPEAT [KERNEL ...]

Prints kernel and form with the least of some calls, after one that loads or compiles. It asks of
the tree only the cases of its benchmarks and the table of its kernels, so that commits of long ago
answer, too.
"""

import json
import sys
import time
from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Measure the kernels and print what was found."""
    from benchmarks.cases import cases
    from benchmarks.scene import Scene
    from pystamps_kernels.contracts import all_kernels
    from pystamps_kernels.dispatch import Arithmetic, function

    points, ifgs, repeat, chosen = int(words[0]), int(words[1]), int(words[2]), words[3:]
    forms: tuple[Arithmetic, ...] = ("double", "single")
    made = {form: cases(Scene(points, ifgs, form == "single")) for form in forms}
    found = {}
    for name, kernel in all_kernels().items():
        if (chosen and name not in chosen) or name not in made["double"]:
            continue
        for form in forms if kernel.single else forms[:1]:
            run, case = function(kernel, "native", form), made[form][name]()
            if run is None:
                continue
            run(*case.arguments)
            times = []
            for _ in range(repeat):
                began = time.process_time()
                run(*case.arguments)
                times.append(time.process_time() - began)
            found[f"{name} {form}" if kernel.single else name] = min(times)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
