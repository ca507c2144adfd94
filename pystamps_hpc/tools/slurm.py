"""SLURM job scripts: a template with the ranks, memory and time that a dataset needs.

The templates are scripts that run as they are; rendering replaces some of their lines. What a
dataset needs comes from the sizes of its files and a small model of cost, whose rates are measured
(``python -m benchmarks.slurm_rates``). The model is meant to be right within a factor of two or
three; time limits leave room for that, and a job that reaches its limit is requeued and goes on.
"""

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ..dataset import parameters
from ..dataset.publish import write_text
from ..dataset.tree import discover_dataset
from ..errors import ConfigError
from ..parallel.memory import SHARE
from ..pipeline.expected_memory import CELLS_PER_POINT, Extent, grid_size_of, least, patch_extent
from ..pipeline.table import mode_of, tasks
from ..stages.base import Mode

TEMPLATES = {
    "single-node": "single_node.sbatch",
    "multi-node": "multi_node.sbatch",
    "gpu": "gpu.sbatch",
    "patch-array": "patch_array.sh",
}

EDIT = "Edit DATASET and IMAGE, then"
"""What the header of a template asks for."""

# Seconds of one thread for a million candidates x interferograms.
PATCH_STAGES = 12.0  # stages 1 to 5 of a patch
UNWRAPPING = 1.0  # stage 6: one interferogram is one task
MERGED_STAGES = 2.5  # merge, stages 7 and 8
THREAD_GAIN = 0.8  # what each further thread of a rank adds

ROOM_MIB = 256  # for the pieces of a rank, beside the least that the model of memory says

SAFETY = 3.0
LEAST_MINUTES = 30
MOST_ARRAY_TASKS = 100


@dataclass(frozen=True)
class Size:
    """What the cost of a dataset depends on.

    Parameters
    ----------
    candidates : tuple of int
        Candidates of each patch.
    n_ifg : int
        Interferograms.
    cells : tuple of float
        Cells of the filter grid of each patch; empty where nobody looked.
    """

    candidates: tuple[int, ...]
    n_ifg: int
    cells: tuple[float, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """What a job should ask for.

    Parameters
    ----------
    nodes, ranks_per_node, threads : int
        Shape of the job; threads are those of one rank.
    mib_per_cpu : int
        Memory for each thread.
    expected_minutes : float
        What the model says.
    limit_minutes : int
        Time limit, with room for what the model does not know.
    """

    nodes: int
    ranks_per_node: int
    threads: int
    mib_per_cpu: int
    expected_minutes: float
    limit_minutes: int


def write_job(
    template: str,
    out: str | Path | None = None,
    dataset: str | Path | None = None,
    nodes: int | None = None,
    cpus: int | None = None,
    gpus: int | None = None,
    image: str | None = None,
) -> dict[str, Any]:
    """Write a job script and return the document ``pystamps-hpc/slurm-init/1``.

    Parameters
    ----------
    template : str
        One of ``TEMPLATES``.
    out : str or Path, optional
        File to write; by default the name of the template in the working directory.
    dataset : str or Path, optional
        Dataset to estimate for; without one the template keeps its own numbers.
    nodes, cpus, gpus : int, optional
        Nodes of the job; processors and devices of a node.
    image : str, optional
        Container image to run in.

    Raises
    ------
    ConfigError
        A node count that the template cannot have, or the file exists.
    DatasetError
        The dataset is missing, or the files that say how large it is.
    """
    if template != "multi-node" and template != "gpu" and nodes not in (None, 1):
        raise ConfigError(f"template {template} has one node: use multi-node for {nodes}")
    if gpus is not None and template != "gpu":
        raise ConfigError(f"template {template} has no GPUs: use --template gpu")
    path = Path(out or TEMPLATES[template])
    if path.exists():
        raise ConfigError(f"{path} exists: remove it, or name another file with --out")
    size = needs = None
    if dataset is not None:
        size = measure(dataset)
        mode = mode_of(parameters.load(Path(dataset)))
        nodes_used = nodes or _default_nodes(template)
        needs = estimate(size, template, mode, nodes_used, cpus or 16, gpus or 1)
    text = render(template, dataset, size, needs, nodes, cpus, gpus, image, path.name)
    try:
        write_text(path, text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    return {
        "schema": "pystamps-hpc/slurm-init/1",
        "template": template,
        "file": str(path),
        "dataset": None if dataset is None else str(dataset),
        "size": None if size is None else {**asdict(size), "patches": len(size.candidates)},
        "estimate": None if needs is None else asdict(needs),
        "expected": None if needs is None else minutes_text(needs.expected_minutes),
        "warnings": list(_warnings(template, size, needs)),
        "submit": f"{'bash' if template == 'patch-array' else 'sbatch'} {shlex.quote(str(path))}",
    }


def measure(root: str | Path) -> Size:
    """Read the size of a dataset from the sizes of its candidate files, else from ``ps1``.

    Raises
    ------
    DatasetError
        No dataset, or a patch with neither.
    MatError
        ``ps1`` cannot be read.
    """
    dataset = discover_dataset(root)
    grid_size = grid_size_of(parameters.load(dataset.root))
    extents = [patch_extent(dataset.directory(name), grid_size) for name in dataset.patches]
    return Size(
        tuple(extent.points for extent in extents),
        max(extent.n_ifg for extent in extents),
        tuple(extent.cells for extent in extents),
    )


def estimate(
    size: Size, template: str, mode: Mode, nodes: int = 1, cpus: int = 16, gpus: int = 1
) -> Estimate:
    """Choose the shape of a job and predict its memory and time.

    Parameters
    ----------
    size : Size
        The dataset.
    template : str
        One of ``TEMPLATES``.
    mode : {"ps", "sb"}
        Whose stages will run.
    nodes, cpus, gpus : int
        Nodes; processors and devices of each.

    Notes
    -----
    Patches go to ranks, largest first; interferograms are unwrapped one by one; the rest of the
    merged stages is spread evenly. Of all splits of a node into ranks x threads the fastest is
    taken, of equally fast ones that with the fewest ranks. Devices are assumed to be no faster
    than processors, so that the limit of a ``gpu`` job is long enough on any.
    """
    if template == "patch-array":
        shapes = [1]
    elif template == "gpu":
        shapes = [gpus]
    else:
        shapes = [ranks for ranks in range(1, cpus + 1) if cpus % ranks == 0]
    seconds, ranks = min(
        (round(_seconds(size, template, nodes, ranks, max(cpus // ranks, 1)), 3), ranks)
        for ranks in shapes
    )
    threads = max(cpus // ranks, 1)
    mib = _memory_mib(size, mode, 1 if template == "patch-array" else nodes * ranks)
    minutes = math.ceil(seconds / 6) / 10
    limit = max(LEAST_MINUTES, math.ceil(SAFETY * minutes / 10) * 10)
    per_cpu = math.ceil(mib / threads / 100) * 100
    return Estimate(nodes, ranks, threads, per_cpu, minutes, limit)


def _memory_mib(size: Size, mode: Mode, ranks: int) -> float:
    """Return what a rank should have, so that the share of it that it plans to fill is enough."""
    cells = size.cells or tuple(CELLS_PER_POINT * n for n in size.candidates)
    patches = [Extent(n, size.n_ifg, c) for n, c in zip(size.candidates, cells, strict=True)]
    whole = Extent(sum(size.candidates), size.n_ifg, 0)
    most = max(
        least(row.spec, extent, ranks)
        for row in tasks(mode)
        for extent in (patches if row.spec.scope == "patch" else [whole])
    )
    return (most / 2**20 + ROOM_MIB) / SHARE


def _seconds(size: Size, template: str, nodes: int, ranks: int, threads: int) -> float:
    """Predict the time of a job; of an array job that of its longest part."""
    gain = 1 + THREAD_GAIN * (threads - 1)
    work = [n * size.n_ifg / 1e6 for n in size.candidates]
    workers = nodes * ranks
    if template == "patch-array":
        tasks = min(len(work), MOST_ARRAY_TASKS)
        patches = PATCH_STAGES * max(sum(work[i::tasks]) for i in range(tasks)) / gain
    else:
        patches = PATCH_STAGES * _longest_queue(work, workers) / gain
    rounds = math.ceil(size.n_ifg / workers) / max(size.n_ifg, 1)
    merged = sum(work) * (UNWRAPPING * rounds + MERGED_STAGES / (workers * gain))
    return max(patches, merged) if template == "patch-array" else patches + merged


def _longest_queue(work: list[float], workers: int) -> float:
    """Return when the last worker is done if each takes the largest task that is left."""
    busy = [0.0] * workers
    for task in sorted(work, reverse=True):
        busy[busy.index(min(busy))] += task
    return max(busy)


def render(
    template: str,
    dataset: str | Path | None = None,
    size: Size | None = None,
    needs: Estimate | None = None,
    nodes: int | None = None,
    cpus: int | None = None,
    gpus: int | None = None,
    image: str | None = None,
    name: str | None = None,
) -> str:
    """Return a template with its lines replaced; what is not given stays as it is."""
    text = _template(template)
    left = [word for word, given in (("DATASET", dataset), ("IMAGE", image)) if given is None]
    text = text.replace(EDIT, f"Edit {' and '.join(left)}, then" if left else "Submit it", 1)
    text = text.replace(TEMPLATES[template], name or TEMPLATES[template], 1)
    if dataset is not None:
        text = _edited(text, "DATASET", str(Path(dataset).resolve()))
    if image:
        text = _edited(text, "IMAGE", image if "://" in image else str(Path(image).resolve()))
    if needs is not None and size is not None:
        nodes = needs.nodes
        text = _directive(text, "ntasks-per-node", needs.ranks_per_node)
        text = _directive(text, "cpus-per-task", needs.threads)
        text = _directive(text, "mem-per-cpu", f"{needs.mib_per_cpu}M")
        text = _directive(text, "time", slurm_time(needs.limit_minutes))
        text = _remark(text, size, needs)
    elif cpus is not None:
        ranks = min(gpus or int(_value(text, "ntasks-per-node")), cpus)
        text = _directive(text, "ntasks-per-node", ranks)
        text = _directive(text, "cpus-per-task", cpus // ranks)
    if nodes is not None:
        text = _directive(text, "nodes", nodes)
    if gpus is not None:
        text = _directive(text, "gpus-per-node", gpus)
        text = _directive(text, "ntasks-per-node", gpus)
    return text


def minutes_text(minutes: float) -> str:
    """Write an expected time for people; the model does not know a minute from its half."""
    return "less than a minute" if minutes < 1 else f"about {minutes:.0f} minutes"


def _warnings(template: str, size: Size | None, needs: Estimate | None) -> Iterator[str]:
    """Yield what the job lacks or wastes."""
    if template == "gpu":
        yield "the CUDA kernels have not run on a GPU yet: try doctor gpu first"
    if size is None or needs is None:
        return
    ranks, patches = needs.nodes * needs.ranks_per_node, len(size.candidates)
    if template != "patch-array" and ranks > patches:
        yield (
            f"{ranks} ranks for {patches} patches: {ranks - patches} of them wait through stages 1 "
            f"to 5; fewer nodes, or a dataset cut into {ranks} patches, use them"
        )


def slurm_time(minutes: int) -> str:
    """Return a time limit as SLURM writes it, ``D-HH:MM:SS`` or ``HH:MM:SS``."""
    days, rest = divmod(minutes, 24 * 60)
    clock = f"{rest // 60:02d}:{rest % 60:02d}:00"
    return f"{days}-{clock}" if days else clock


def _template(name: str) -> str:
    folder = resources.files(__package__) / "slurm_templates"
    return (folder / TEMPLATES[name]).read_text(encoding="utf-8")


def _default_nodes(template: str) -> int:
    return int(_value(_template(template), "nodes"))


def _value(text: str, name: str) -> str:
    found = re.search(rf"^#SBATCH --{name}=(.*)$", text, re.MULTILINE)
    assert found is not None, name
    return found[1]


def _directive(text: str, name: str, value: int | str) -> str:
    return re.sub(rf"(?m)^#SBATCH --{name}=.*$", f"#SBATCH --{name}={value}", text)


def _edited(text: str, name: str, value: str) -> str:
    line = f"{name}=${{{name}:-{shlex.quote(value)}}}"
    return re.sub(rf"(?m)^{name}=\$\{{{name}:-.*\}}", lambda match: line, text)


def _remark(text: str, size: Size, needs: Estimate) -> str:
    """Say at the top what the numbers of the header were made from."""
    remark = (
        f"# Estimate for {len(size.candidates)} patches, {sum(size.candidates)} candidates and "
        f"{size.n_ifg} interferograms: {minutes_text(needs.expected_minutes)}\n#SBATCH "
    )
    return text.replace("#SBATCH ", remark, 1)
