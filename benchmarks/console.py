"""How long the console takes to show a million points, and what it takes of memory.

    python -m benchmarks.console [--points 1000000] [--dates 60] [--clients 20] [--seconds 60] [--page FILE]

A dataset after stage 8 is made up, with noise for phase, and served by a process of its own. Promised
of a million points and 60 dates are: the first map within 3 s, another view of it within 0.5 s, a
series within 0.2 s, 2 GiB of memory, and 20 clients for 60 s without an error. The program ends
with 1 if one of these is broken.
"""  # noqa: E501

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.exports import SCENE
from tests.faults.campaign import renew

SIZE = "width=1200&height=800"
VIEWS = 15
PROMISED = {"first map": 3.0, "another view": 0.5, "series": 0.2}
LARGEST_MIB = 2048


class Client:
    """Asks a console, and again while an answer is being computed.

    Parameters
    ----------
    url : str
        Address that the console printed.
    """

    def __init__(self, url: str) -> None:
        self.base, _, self.token = url.partition("/?token=")

    def ask(self, path: str) -> tuple[bytes, float]:
        """Return an answer, and how long it took [s]."""
        start = time.perf_counter()
        request = urllib.request.Request(
            f"{self.base}/api/v1/datasets/0{path}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        while True:
            with urllib.request.urlopen(request, timeout=120) as answer:
                if answer.status == 200:
                    return answer.read(), time.perf_counter() - start
            time.sleep(0.1)


@contextmanager
def served(root: Path) -> Iterator[tuple[Client, int]]:
    """Serve a dataset; yield a client and the number of the process."""
    words = [sys.executable, "-m", "pystamps_hpc", "console", "--dataset", str(root), "--port", "0"]
    job = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert job.stderr is not None
        line = job.stderr.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            raise SystemExit(f"the console does not start: {line}{job.stderr.read()}")
        yield Client(found[0]), job.pid
    finally:
        job.send_signal(signal.SIGINT)
        job.wait(30)


def views(extent: dict[str, float], count: int) -> list[str]:
    """Return questions for views of a scene, from the whole of it to a thousandth."""
    wide, high = extent["east"] - extent["west"], extent["north"] - extent["south"]
    dice, found = random.Random(1), []
    for _ in range(count):
        share = 10 ** dice.uniform(-1.5, 0)
        west = extent["west"] + dice.random() * (1 - share) * wide
        south = extent["south"] + dice.random() * (1 - share) * high
        found.append(
            f"/map.png?{SIZE}&west={west}&east={west + share * wide}&south={south}"
            f"&north={south + share * high}"
        )
    return found


def measure(root: Path, n_ps: int, n_clients: int, seconds: float) -> dict[str, Any]:
    """Return how long a console takes for what its pages ask."""
    with served(root) as (client, pid):
        start = time.perf_counter()
        facts = json.loads(client.ask("/map")[0])
        client.ask("/layer")
        size = len(client.ask(f"/map.png?{SIZE}")[0])
        first = time.perf_counter() - start
        begun = time.perf_counter()
        client.ask("/series?ps=1")
        prepared = time.perf_counter() - begun
        moved = [client.ask(path)[1] for path in views(facts["extent"], VIEWS)]
        dice = random.Random(2)
        series = [client.ask(f"/series?ps={dice.randint(1, n_ps)}")[1] for _ in range(VIEWS)]
        layers = {
            name: round(client.ask(f"/layer?{question}")[1], 1)
            for name, question in (("unwrapped phase of an image", "type=u-dm&ifg=3"),
                                   ("deviation of the velocity", "type=velocity_deviation"))
        }  # fmt: skip
        crowd = many_clients(client, facts["extent"], n_ps, n_clients, seconds)
        return {
            "first_map_sec": round(first, 2), "picture_kb": round(size / 1000),
            "displacements_sec": round(prepared, 1),
            "view_sec": [round(each, 3) for each in sorted(moved)],
            "series_sec": [round(each, 3) for each in sorted(series)],
            "layer_sec": layers, "clients": crowd, "peak_rss_mib": peak_memory(pid),
        }  # fmt: skip


def many_clients(
    client: Client, extent: dict[str, float], n_ps: int, n_clients: int, seconds: float
) -> dict[str, Any]:
    """Let clients ask for views and series at once; return answers, errors and how long."""
    until, lock = time.monotonic() + seconds, threading.Lock()
    took: list[float] = []
    errors: list[str] = []

    def work(number: int) -> None:
        dice, paths = random.Random(number), views(extent, 40)
        while time.monotonic() < until:
            point = f"/series?ps={dice.randint(1, n_ps)}"
            try:
                _, second = client.ask(point if dice.random() < 0.3 else dice.choice(paths))
            except (OSError, urllib.error.URLError) as error:
                with lock:
                    errors.append(str(error))
            else:
                with lock:
                    took.append(second)

    crowd = [threading.Thread(target=work, args=(number,)) for number in range(n_clients)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    took.sort()
    return {
        "clients": n_clients, "seconds": seconds, "answers": len(took), "errors": errors[:5],
        "failed": len(errors), "median_sec": round(median(took), 2),
        "slowest_twentieth_sec": round(took[int(0.95 * len(took))], 2),
    }  # fmt: skip


def peak_memory(pid: int) -> int:
    """Return the most memory that a process has held [MiB]."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]


def page_bytes() -> int:
    """Return the bytes of all files of the pages."""
    from pystamps_hpc.tools.console.pagefiles import page_files

    return sum(len(content) for content, *_ in page_files().values())


def rows_of(found: dict[str, Any], n_ps: int, n_dates: int) -> list[list[str]]:
    """Return the table of the documentation."""
    crowd = found["clients"]
    middle = {name: median(found[f"{name}_sec"]) for name in ("view", "series")}
    return [
        [f"first map of {n_ps:,} points, 1200 x 800", f"{found['first_map_sec']:.1f} s", "3 s"],
        ["its picture", f"{found['picture_kb']} kB", ""],
        ["another view, middle and slowest of 15",
         f"{middle['view']:.2f} s, {found['view_sec'][-1]:.2f} s", "0.5 s"],
        [f"a series of {n_dates} dates, middle and slowest of 15",
         f"{middle['series']:.3f} s, {found['series_sec'][-1]:.3f} s", "0.2 s"],
        ["displacements made ready behind the first map, once",
         f"{found['displacements_sec']:.0f} s", ""],
        *([f"another value: {name}", f"{took:.1f} s", ""]
          for name, took in found["layer_sec"].items()),
        [f"{crowd['clients']} clients for {crowd['seconds']:.0f} s",
         f"{crowd['answers']:,} answers, {crowd['failed']} errors, "
         f"middle {crowd['median_sec']:.1f} s",
         "no error"],
        ["memory of the server at most", f"{found['peak_rss_mib']:,} MiB", "2,048 MiB"],
        ["all files of the pages, not compressed", f"{page_bytes() / 1000:.0f} kB", ""],
    ]  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--dates", type=int, default=60)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--page", type=Path, help="renew the table of this page")
    parser.add_argument("--output", type=Path, default=machine.RESULTS / "console.json")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pystamps-console-") as scratch:
        root = Path(scratch, "scene")
        count, dates = str(options.points), str(options.dates)
        subprocess.run([sys.executable, "-c", SCENE, root, count, dates], check=True)
        found = measure(root, options.points, options.clients, options.seconds)
    document = {
        "schema": "pystamps-hpc/bench-console/1", "machine": machine.describe(),
        "points": options.points, "dates": options.dates, **found,
    }  # fmt: skip
    machine.write(options.output, document)
    rows = rows_of(found, options.points, options.dates)
    head = ["", "measured", "promised"]
    print(machine.table(head, rows))
    if options.page:
        lines = [head, ["---", "---:", "---:"], *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
        renew("console", text, options.page)
    return int(
        found["first_map_sec"] > PROMISED["first map"]
        or median(found["view_sec"]) > PROMISED["another view"]
        or median(found["series_sec"]) > PROMISED["series"]
        or found["clients"]["failed"] > 0
        or found["peak_rss_mib"] > LARGEST_MIB
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
