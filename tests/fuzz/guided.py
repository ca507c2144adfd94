"""One reader under libFuzzer, which keeps what reaches new lines of it; needs ``atheris``.

``python -m tests.fuzz.guided v5 -max_total_time=600``: the first byte of an input chooses the file
that is damaged, the rest is its content. A failure leaves the input as ``crash-*``.
"""

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pystamps_hpc"]):
    from pystamps_hpc.dataset import mat5, mat73  # noqa: F401 (else loaded later, unseen)

    from .targets import TARGETS

from pystamps_hpc.errors import PystampsError

from .mutations import mutate


def main():
    target = TARGETS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder, corpus = Path(name) / "files", Path(name) / "corpus"
        folder.mkdir()
        corpus.mkdir()
        files = target.build(folder)
        good = {path: path.read_bytes() for path in files}
        for k, path in enumerate(files):
            (corpus / str(k)).write_bytes(bytes([k]) + good[path])

        def read(data):
            path = files[data[0] % len(files)] if data else files[0]
            path.write_bytes(data[1:])
            try:
                target.read(folder, path)
            except PystampsError:
                pass
            finally:
                for changed in files:
                    changed.write_bytes(good[changed])

        def damage(data, max_size, seed):
            if seed % 4 == 0 or len(data) < 2:
                return atheris.Mutate(data, max_size)
            return (data[:1] + mutate(data[1:], random.Random(seed)))[:max_size]

        options = ["-max_len=60000", "-timeout=60", "-rss_limit_mb=2048", "-close_fd_mask=1"]
        atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus)], read,
                      custom_mutator=damage)  # fmt: skip
        atheris.Fuzz()


if __name__ == "__main__":
    main()
