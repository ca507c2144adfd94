"""Other programs read what the chain writes: SciPy, h5py and Octave, with StaMPS' shapes."""

import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.pipeline.table import tasks

from . import chains

CLASSES = {
    np.dtype("f8"): "double",
    np.dtype("f4"): "single",
    np.dtype("c8"): "complex",
    np.dtype("u1"): "logical",
    np.dtype("?"): "logical",
}
SIZES = {"n_ps", "n_ifg", "n_image", "n_pm"}


def artifacts_of(root):
    """Yield path and schema of every artifact, all of which the stage table knows."""
    known = {name for row in tasks("ps") for name in row.bundle}
    for name in chains.artifacts(root):
        path = root / name
        if path.stem in known:
            yield path, ARTIFACTS[path.stem]


def check(path, schema, found):
    """Compare name -> (class, shape) of a file with the schema; sizes must agree in the file."""
    required = {name for name, key in schema.keys.items() if not key.optional}
    assert required <= set(found), path
    sizes = {}
    for name, (kind, shape) in found.items():
        key = schema.keys[name]
        if shape == (0, 0):
            continue  # absent
        assert kind in key.classes, (path, name)
        if kind == "char":
            continue
        assert len(shape) == len(key.dims) or shape[-1] > 1, (path, name)
        for dim, size in zip(key.dims, shape, strict=False):
            expected = int(dim) if dim.isdigit() else sizes.setdefault(dim, size)
            if dim.isdigit() or dim in SIZES:
                assert size == expected, (path, name, dim)


def test_scipy_reads_every_artifact_with_the_shapes_and_classes_of_stamps(first_pass):
    count = 0
    for path, schema in artifacts_of(first_pass):
        contents = scipy.io.loadmat(path)
        found = {}
        for name, value in contents.items():
            if name.startswith("__"):
                continue
            if scipy.sparse.issparse(value):
                found[name] = ("sparse", value.shape)
            else:
                kind = "char" if value.dtype.kind == "U" else CLASSES[value.dtype]
                found[name] = (kind, value.shape)
        check(path, schema, found)
        count += 1
    assert count >= 2 * 12 + 15


@pytest.fixture(scope="module")
def of_version_73(few_candidates, tmp_path_factory):
    """The small chain in MAT files of version 7.3."""
    folder = tmp_path_factory.mktemp("v73")
    root = chains.copy(few_candidates, folder / "data")
    config = folder / "config.json"
    config.write_text(json.dumps({"output": {"mat_format": "v7.3"}}))
    chains.run_chain(root, "--config", str(config))
    return root


def stored_in_73(path):
    """Return name -> (class, shape) of a file of version 7.3."""
    found = {}
    with h5py.File(path) as file:
        for name, item in file.items():
            kind = item.attrs["MATLAB_class"].decode()
            if isinstance(item, h5py.Group):
                rows = int(item.attrs["MATLAB_sparse"])
                found[name] = ("sparse", (rows, len(item["jc"]) - 1))
            elif "MATLAB_empty" in item.attrs:
                found[name] = (kind, tuple(int(size) for size in item[()]))
            else:
                parts = item.dtype.names
                assert parts in (None, ("real", "imag"))
                # in HDF5 a matrix lies with its dimensions exchanged
                found[name] = ("complex" if parts else kind, item.shape[::-1])
                assert not parts or kind == "single"
    return found


def test_h5py_reads_every_artifact_of_version_73(of_version_73):
    for path, schema in artifacts_of(of_version_73):
        check(path, schema, stored_in_73(path))


OCTAVE = """
paths = strsplit(fileread('{list}'), "\\n");
for k = 1:numel(paths)
  if isempty(paths{{k}}) continue; end
  s = load(paths{{k}});
  names = fieldnames(s);
  for j = 1:numel(names)
    v = s.(names{{j}});
    kind = class(v);
    if issparse(v) kind = 'sparse'; elseif iscomplex(v) kind = 'complex'; end
    printf('%s %s %s %s\\n', paths{{k}}, names{{j}}, kind, mat2str(size(v)));
  end
end
"""


needs_octave = pytest.mark.skipif(
    shutil.which("octave-cli") is None, reason="Octave is not installed"
)


def seen_by_octave(paths, folder):
    """Return path -> name -> (class, shape) as Octave loads the files."""
    (folder / "list").write_text("\n".join(map(str, paths)))
    (folder / "read.m").write_text(OCTAVE.format(list=folder / "list"))
    words = ["octave-cli", "--quiet", "--no-init-file", str(folder / "read.m")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = {str(path): {} for path in paths}
    for line in done.stdout.splitlines():
        path, name, kind, size = line.split(" ", 3)
        found[path][name] = (kind, tuple(int(word) for word in size.strip("[]").split()))
    return found


@needs_octave
def test_octave_reads_every_artifact(first_pass, tmp_path):
    known = dict(artifacts_of(first_pass))
    found = seen_by_octave(known, tmp_path)
    for path, schema in known.items():
        # a complex matrix whose imaginary part is zero comes as a real one
        kinds = {
            name: ("complex" if "complex" in schema.keys[name].classes else kind, shape)
            for name, (kind, shape) in found[str(path)].items()
        }
        check(path, schema, kinds)


OCTAVE_73 = {"single": "double", "logical": "uint8", "char": "uint16"}
"""Octave reads version 7.3 as any HDF5 file: it has the numbers, and does not ask for classes."""


@needs_octave
def test_octave_reads_the_numbers_of_version_73(of_version_73, tmp_path):
    paths = [path for path, _ in artifacts_of(of_version_73)]
    found = seen_by_octave(paths, tmp_path)
    for path in paths:
        stored = stored_in_73(path)
        assert set(found[str(path)]) == set(stored)
        for name, (kind, shape) in stored.items():
            if kind != "sparse" and 0 not in shape:
                assert found[str(path)][name] == (OCTAVE_73.get(kind, kind), shape), (path, name)
