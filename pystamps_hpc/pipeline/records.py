"""What a task would be made with today: the other side of its record."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

from pystamps_kernels.dispatch import KernelTable

from ..config import RunConfig
from ..dataset.parameters import Parameters
from ..dataset.tree import Dataset
from ..stages.base import StageSpec
from .loading import input_files
from .presence import Look
from .state import digest, plain
from .table import Task


def task_record(
    dataset: Dataset,
    config: RunConfig,
    parameters: Parameters,
    kernels: KernelTable | None,
    row: Task,
    target: str,
    patches: Sequence[str],
    withheld: Collection[str] = (),
    workers: int = 1,
) -> dict[str, Any]:
    """Return what a task would be made with now.

    Parameters
    ----------
    dataset, config, parameters : Dataset, RunConfig, Parameters
        Of the target.
    kernels : KernelTable or None
        Kernels bound to backends; None where they are not known.
    row : Task
        Row of the stage table.
    target : str
        Patch or ``"root"``.
    patches : sequence of str
        Those with PS, of which a task that reads every patch takes its inputs.
    withheld : collection of str
        Files of the target that are not read although they are there.
    workers : int
        How many files are looked through side by side.
    """
    settings = settings_record(dataset, config, parameters, kernels, row)
    look = Look()
    inputs = inputs_record(dataset, parameters, row, target, patches, {}, look, withheld, workers)
    return {**settings, "inputs": inputs}


def settings_record(
    dataset: Dataset,
    config: RunConfig,
    parameters: Parameters,
    kernels: KernelTable | None,
    row: Task,
) -> dict[str, Any]:
    """Return the part of a record that is the same for all targets with the same parameters."""
    params: Any = parameters.to_params(row.spec.params)
    order = {} if row.patch_inputs is None else {"patch.list": plain(dataset.patches)}
    return {
        "stage": row.spec.number,
        "scope": row.spec.scope,
        "science_version": row.spec.version,
        "params": {
            "small_baseline_flag": parameters.small_baselines,
            **{item.name: plain(getattr(params, item.name)) for item in fields(params)},
        },
        "config": {**order, **{key: plain(config.value(key)) for key in row.spec.config}},
        "backends": None if kernels is None else _backends(row.spec, kernels),
    }


def inputs_record(
    dataset: Dataset,
    parameters: Parameters,
    row: Task,
    target: str,
    patches: Sequence[str],
    known: Mapping[str, Any],
    look: Look,
    withheld: Collection[str] = (),
    workers: int = 1,
) -> dict[str, Any]:
    """Return the digests of the files that a task reads, by their path below the root.

    Files that have not changed since the digests `known` were made are not read again. A file that
    a link brings in keeps its full name.
    """
    files = {
        path.removeprefix(f"{dataset.root}/"): (path, status)
        for path, status in _files(dataset, parameters, row, target, patches, look)
        if not withheld or os.path.basename(path) not in withheld
    }

    def digest_of(name: str) -> dict[str, Any]:
        path, status = files[name]
        return digest(path, known.get(name), status)

    if workers == 1:
        return {name: digest_of(name) for name in files}
    with ThreadPoolExecutor(workers, "digest") as pool:
        return dict(zip(files, pool.map(digest_of, files), strict=True))


def _backends(spec: StageSpec, kernels: KernelTable) -> str:
    """Return the backend of a stage's kernels; each kernel's own where they differ."""
    chosen = {name: kernels.backends[name] for name in spec.kernels}
    if len(set(chosen.values())) == 1:
        return next(iter(chosen.values()))
    return ", ".join(f"{name}={backend}" for name, backend in chosen.items())


def _files(
    dataset: Dataset,
    parameters: Parameters,
    row: Task,
    target: str,
    patches: Sequence[str],
    look: Look,
) -> Iterator[tuple[str, os.stat_result]]:
    nested = row.patch_inputs
    if nested is not None:
        for patch in patches:
            yield from input_files(nested, dataset.directory(patch), parameters, look)
    directory = dataset.directory(target)
    made = {f"{name}.mat" for name in row.bundle} - row.read_back(parameters)
    own = {f"{directory}/{name}" for name in made}
    for path, status in input_files(row.spec.inputs, directory, parameters, look):
        if path not in own:
            yield path, status
