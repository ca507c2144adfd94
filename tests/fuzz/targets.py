"""What is fuzzed: per reader, good files to begin from, and a read of everything in them."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from pystamps_hpc.config import RunConfig, load_config
from pystamps_hpc.dataset import candidates, parameters
from pystamps_hpc.dataset.lock import holders, lock_directory, new_owner
from pystamps_hpc.dataset.mat import MatFile, write_mat
from pystamps_hpc.dataset.matvalues import REAL_DTYPES
from pystamps_hpc.dataset.memo import MemoStore
from pystamps_hpc.dataset.parameters import Parameters
from pystamps_hpc.dataset.tree import STATE_DIRECTORY, discover_dataset, patch_core
from pystamps_hpc.pipeline.state import TargetState, digest, fingerprint
from pystamps_hpc.tools.status import _last_run
from pystamps_hpc.tools.verification.compare.conditions import conditions_of, recorded
from tests.dataset.objects import string_objects_5, string_objects_73
from tests.dataset.scenes import (
    pairs_scene,
    scene,
    write_doris,
    write_doris_sb,
    write_snap,
    write_snap_sb,
)

from . import stacks


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    build : callable
        Writes good files into an empty folder; returns those that are to be damaged.
    read : callable
        Reads the folder; told which file is damaged.
    """

    build: Callable[[Path], list[Path]]
    read: Callable[[Path, Path], None]


def read_mat_file(folder: Path, path: Path) -> None:
    with MatFile(path) as file:
        for name, variable in file.variables.items():
            if variable.known:
                value = file.read(name)
                if variable.matlab_class == "sparse" and math.prod(value.shape) < 10**6:
                    value.toarray()
            if variable.matlab_class in REAL_DTYPES and len(variable.shape) == 2:
                file.rows(name)[:3]
                file.rows(name)[:, :1]


def values():
    rng = np.random.default_rng(0)
    graph = scipy.sparse.random_array((7, 5), density=0.4, rng=rng)
    return {
        "ph": (rng.random((9, 3)) + 1j).astype(np.complex64),
        "graph": graph,
        "mask": scipy.sparse.csc_array(graph.toarray() > 0.5),
        "text": "3D_NEW",
        "flag": np.array([[True, False]]),
        "ix": np.arange(5, dtype=np.int32)[:, None],
        "lonlat": rng.random((6, 2)),
        "none": np.zeros((0, 3), np.float32),
        "cube": rng.random((2, 3, 4)),
    }


def build_v5(folder: Path) -> list[Path]:
    for name, compress in (("plain", False), ("deflated", True)):
        write_mat(folder / f"{name}.mat", values(), mat_format="v5", compress=compress)
    cells = np.empty((1, 3), object)
    cells[:] = [["one", np.eye(2), np.array([["two"]], object)]]
    others = {"cells": cells, "record": {"x": 1.0, "y": {"z": "text"}}, "word": "ä"}
    scipy.io.savemat(folder / "others.mat", others)
    scipy.io.savemat(folder / "others7.mat", others, do_compression=True)
    (folder / "objects.mat").write_bytes(string_objects_5({"a": "3D", "b": "n"}))
    return sorted(folder.glob("*.mat"))


def build_v73(folder: Path) -> list[Path]:
    for name, compress in (("plain", False), ("deflated", True)):
        write_mat(folder / f"{name}.mat", values(), mat_format="v7.3", compress=compress)
    string_objects_73(folder / "objects.mat", {"a": "3D", "b": "n"})
    with h5py.File(folder / "objects.mat", "r+") as file:
        for name, value in {"#refs#/x": [[97], [98]], "record/text": [[99]]}.items():
            file[name] = np.array(value, np.uint16)
            file[name].attrs["MATLAB_class"] = np.bytes_("char")
        file["record"].attrs["MATLAB_class"] = np.bytes_("struct")
        file["cells"] = np.array([[file["#refs#/x"].ref]], h5py.ref_dtype)
        file["cells"].attrs["MATLAB_class"] = np.bytes_("cell")
    return sorted(folder.glob("*.mat"))


def build_parameters(folder: Path) -> list[Path]:
    known = {
        "small_baseline_flag": "n",
        "max_topo_err": 5.0,
        "drop_ifg_index": np.array([[2.0, 3]]),
        "ref_lon": np.array([[-np.inf, np.inf]]),
        "plot_pixel_size": 2.0,
    }
    write_mat(folder / "parms.mat", known)
    write_mat(folder / "localparms.mat", {"weed_standard_dev": 0.8})
    old = {"unwrap_ifg_index": np.array([[1.0, 2]]), **known}
    write_mat(folder / "ps2.mat", {"n_ifg": 4.0})
    (folder / "processor.txt").write_text("snap\n")
    (folder / "heading.1.in").write_text("-168.1\n")
    (folder / "b").mkdir()
    scipy.io.savemat(folder / "b/parms.mat", {**old, "mine": {"a": 1.0}})
    (folder / "c").mkdir()
    (folder / "c/parms.mat").write_bytes(string_objects_5({"unwrap_method": "3D"}))
    (folder / "d").mkdir()
    string_objects_73(folder / "d/parms.mat", {"unwrap_method": "3D"})
    return sorted(path for path in folder.rglob("*") if path.is_file())


def read_parameters(folder: Path, path: Path) -> None:
    known = parameters.load(path.parent)
    parameters.disagreements(known, Parameters())
    parameters.save(known.set_value("clap_win", 16.0).with_values({"lambda": 0.05}))
    assert parameters.load(path.parent).value("clap_win") == 16


def build_snap(folder: Path) -> list[Path]:
    write_snap(folder, scene(n=40))
    (folder / "width.txt").write_text("300\n")
    (folder / "len.txt").write_text("400\n")
    files = [*folder.glob("*.*"), *folder.glob("rslc/*"), *folder.glob("diff0/*")]
    return sorted(path for path in files if path.is_file())


def build_pscands(folder: Path) -> list[Path]:
    write_snap(folder, scene(n=40))
    return sorted(folder.glob("PATCH_1/pscands.1.*"))


def build_doris(folder: Path) -> list[Path]:
    write_doris(folder, scene(n=40))
    return sorted(path for path in folder.iterdir() if path.is_file())


def build_snap_sb(folder: Path) -> list[Path]:
    write_snap_sb(folder, pairs_scene(n=40))
    files = [*folder.glob("*.*"), *folder.glob("SMALL_BASELINES/*/*")]
    return sorted(path for path in files if path.is_file())


def build_doris_sb(folder: Path) -> list[Path]:
    write_doris_sb(folder, pairs_scene(n=40))
    return sorted(path for path in folder.iterdir() if path.is_file())


def build_isce(folder: Path) -> list[Path]:
    write_doris(folder, scene(n=40))
    angles = np.full((400, 300), 0.6, np.float32)
    angles.tofile(folder / "inc_angle.raw")
    (folder / "inc_angle.raw.xml").write_text(
        '<imageFile><property name="WIDTH"><value>300</value></property>\n'
        '<property name="LENGTH"><value>400</value></property>\n'
        '<property name="NUMBER_BANDS"><value>1</value></property>\n'
        '<property name="SCHEME"><value>BIL</value></property>\n'
        '<property name="DATA_TYPE"><value>FLOAT</value></property></imageFile>\n'
    )
    return sorted(path for path in folder.iterdir() if path.suffix in (".xml", ".in", ".txt"))


def reads_candidates(processor: str, small_baselines: str = "n") -> Callable[[Path, Path], None]:
    known = Parameters(
        stored={
            "insar_processor": processor,
            "small_baseline_flag": small_baselines,
            "heading": -168.0,
            "lambda": 0.055,
        }
    )

    def read(folder: Path, path: Path) -> None:
        patch = folder / "PATCH_1"
        list(candidates.Sources().of(patch, known))
        candidates.sensor_parameters(folder, known, [patch])
        found = candidates.read(patch, known)
        np.asarray(found.phase[:2])

    return read


def build_patches(folder: Path) -> list[Path]:
    for name in ("PATCH_1", "PATCH_2"):
        (folder / name).mkdir()
        (folder / name / "patch_noover.in").write_text("1\n100\n1\n200\n")
    (folder / "patch.list").write_text("PATCH_1\nPATCH_2\n")
    return [folder / "patch.list", folder / "PATCH_1/patch_noover.in"]


def read_patches(folder: Path, path: Path) -> None:
    dataset = discover_dataset(folder)
    for name in dataset.patches:
        patch_core(dataset.directory(name))


def build_configuration(folder: Path) -> list[Path]:
    tree = {"runtime": {"cpu_workers": 2, "kernel_backend_overrides": {"stage7_scla": "native"}},
            "output": {"mean_v_type": "v-do"},
            "tolerance": {"profile": "scientific", "key_tolerances": {"a.b": {"rtol": 1e-3}}},
            "compat": {"arithmetic": "double"}}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(tree, indent=1))
    (folder / "run.yaml").write_text(
        "runtime:\n  cpu_workers: 2\n  backend: auto\n  memory_gb: 1.5\nmpi:\n  enabled: on\n"
        "output: {compress: true, mat_format: v7.3}\n"
    )
    return [folder / "run.json", folder / "run.yaml"]


def read_configuration(folder: Path, path: Path) -> None:
    load_config(path)


def build_state(folder: Path) -> list[Path]:
    record = {
        "stage": 1,
        "scope": "patch",
        "science_version": 1,
        "params": {"lambda": 0.05},
        "config": {"arithmetic": "double"},
        "inputs": {"a": {"bytes": 1, "mtime_ns": 2, "sample": "0"}},
    }
    state = TargetState(folder, {1: record, 2: record}, {2})
    state.save()
    return [folder / STATE_DIRECTORY / "state.json"]


def read_state(folder: Path, path: Path) -> None:
    for record in TargetState.load(folder).records.values():
        fingerprint(record)
        digest(path, record["inputs"].get("a"))


def build_lock(folder: Path) -> list[Path]:
    lock = lock_directory(folder)
    lock.mkdir(parents=True)
    (lock / "dataset.json").write_text(json.dumps(new_owner("20260101T000000Z-x", ("run",))))
    return [lock / "dataset.json"]


def read_lock(folder: Path, path: Path) -> None:
    json.dumps(holders(folder))


def build_memo(folder: Path) -> list[Path]:
    store = MemoStore(folder, 6, "0" * 64, str)
    store.save("a", {"phase": np.eye(5, dtype=np.float32), "n": np.arange(3)})
    return [store.folder / "a.npz"]


def read_memo(folder: Path, path: Path) -> None:
    MemoStore(folder, 6, "0" * 64, str).load("a")


def build_report(folder: Path) -> list[Path]:
    report = {
        "run_id": "x",
        "exit_code": 0,
        "finished_utc": "y",
        "config": {"compat": {"arithmetic": "double"}, "runtime": {"triangulator": "auto"}},
    }
    path = folder / STATE_DIRECTORY / "runs/x/report.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(report))
    return [path]


def read_report(folder: Path, path: Path) -> None:
    _last_run(folder)
    conditions_of(RunConfig(), recorded(folder))


TARGETS = {
    "v5": Target(build_v5, read_mat_file),
    "v7.3": Target(build_v73, read_mat_file),
    "parms": Target(build_parameters, read_parameters),
    "pscands": Target(build_pscands, reads_candidates("snap")),
    "snap": Target(build_snap, reads_candidates("snap")),
    "doris": Target(build_doris, reads_candidates("doris")),
    "snap-sb": Target(build_snap_sb, reads_candidates("snap", "y")),
    "doris-sb": Target(build_doris_sb, reads_candidates("doris", "y")),
    "isce": Target(build_isce, reads_candidates("isce")),
    "stack-snap": Target(stacks.build_snap, stacks.read),
    "stack-isce": Target(stacks.build_isce, stacks.read),
    "stack-doris": Target(stacks.build_doris, stacks.read),
    "patches": Target(build_patches, read_patches),
    "config": Target(build_configuration, read_configuration),
    "state": Target(build_state, read_state),
    "lock": Target(build_lock, read_lock),
    "memo": Target(build_memo, read_memo),
    "report": Target(build_report, read_report),
}
