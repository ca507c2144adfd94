"""Which backend runs a kernel."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pystamps_hpc.config import parse_config
from pystamps_hpc.errors import BackendUnavailableError, ConfigError, DatasetError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline import backends
from pystamps_hpc.pipeline.stages import plan_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.stages import stage6_sb
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.cuda.device import using
from pystamps_kernels.dispatch import KernelTable

KERNELS = ("stage2_topofit", "stage7_scla")


def resolve(monkeypatch, runtime, lacking=("cuda",), implemented=None, installed=False, **options):
    """Resolve with backends that are there or not, and kernels that have them or not."""
    reasons = {
        name: f"{name} is not here" if name in lacking else "" for name in backends._BACKENDS
    }
    monkeypatch.setattr(backends, "unavailable_reason", lambda name: reasons[name])
    monkeypatch.setattr(backends, "installed", lambda name: installed)

    def function(kernel, backend, arithmetic):
        known = implemented or ("python", "native", "cuda")
        return print if backend in known else None

    monkeypatch.setattr(backends, "function", function)
    monkeypatch.setattr(backends, "choose_device", lambda local_rank, neighbours: 0)
    config = parse_config({"runtime": runtime}).resolved()
    return backends.resolve_kernels(config, SerialTeam(), **options).backends


def expected(kernel, runtime, here):
    """Say which backend it is by the rules; an explicit backend that is missing is an error."""
    override = runtime.get("kernel_backend_overrides", {}).get(kernel, "auto")
    stage2 = runtime.get("stage2_kernel_backend", "auto")
    auto = "native" if "native" in here else "python"
    explicit = override if override != "auto" else None
    if explicit is None and kernel.startswith("stage2_") and stage2 != "auto":
        explicit = stage2
    if explicit is None and runtime["backend"] == "native":
        explicit = "native"
    if explicit is None and runtime["backend"] == "gpu":
        return "cuda" if "cuda" in here else None
    if explicit is None:
        return auto
    return explicit if explicit in here else None


CHOICES = ("auto", "python", "native", "cuda")


@pytest.mark.parametrize("backend", ["auto", "threads", "processes", "native", "gpu"])
@pytest.mark.parametrize("lacking", [(), ("cuda",), ("native",), ("native", "cuda")])
def test_c060_c061_the_most_particular_choice_wins_and_nothing_falls_back(
    monkeypatch, backend, lacking
):
    here = {"python", "native", "cuda"} - set(lacking)
    for stage2, override in itertools.product(CHOICES, CHOICES):
        runtime = {
            "backend": backend,
            "stage2_kernel_backend": stage2,
            "kernel_backend_overrides": {"stage2_topofit": override},
        }
        wanted = {name: expected(name, runtime, here) for name in all_kernels()}
        if None in wanted.values() or (backend == "gpu" and "cuda" not in here):
            with pytest.raises(BackendUnavailableError):
                resolve(monkeypatch, runtime, lacking)
        else:
            assert resolve(monkeypatch, runtime, lacking) == wanted


def test_auto_never_takes_a_device(monkeypatch):
    assert set(resolve(monkeypatch, {"backend": "auto"}, lacking=()).values()) == {"native"}


def test_a_backend_that_is_not_available_is_told_with_the_reason(monkeypatch):
    with pytest.raises(BackendUnavailableError) as caught:
        resolve(monkeypatch, {"kernel_backend_overrides": {"stage7_scla": "cuda"}})
    assert str(caught.value) == "backend 'cuda' is not available: cuda is not here"


@pytest.mark.parametrize("backend", ["auto", "threads", "processes"])
def test_native_kernels_that_are_installed_and_broken_are_not_replaced(monkeypatch, backend):
    with pytest.raises(BackendUnavailableError, match="'native' is not available: native is not"):
        resolve(monkeypatch, {"backend": backend}, ("native",), installed=True)
    chosen = {"kernel_backend_overrides": dict.fromkeys(all_kernels(), "python")}
    assert set(resolve(monkeypatch, chosen, ("native",), installed=True).values()) == {"python"}


def test_kernels_in_python_for_want_of_numba_are_told(monkeypatch):
    monkeypatch.setattr(
        backends, "unavailable_reason", lambda name: f"{name} is not installed" * (name != "python")
    )
    monkeypatch.setattr(backends, "installed", lambda name: False)
    config = parse_config({}).resolved()
    kernels = backends.resolve_kernels(config, SerialTeam())
    (warning,) = backends.fallback_warnings(config, kernels)
    assert warning.startswith(
        f"native is not installed: {len(all_kernels())} kernels run in Python"
    )
    chosen = parse_config({"runtime": {"stage2_kernel_backend": "python"}}).resolved()
    (warning,) = backends.fallback_warnings(chosen, kernels)
    assert f"{len(all_kernels())} kernels" not in warning


def test_a_kernel_without_the_implementation_is_told(monkeypatch):
    with pytest.raises(BackendUnavailableError) as caught:
        resolve(monkeypatch, {"kernel_backend_overrides": {"stage7_scla": "cuda"}}, (), ("python",))
    assert str(caught.value) == "kernel 'stage7_scla' has no 'cuda' implementation"


def test_gpu_leaves_kernels_without_a_device_form_to_auto(monkeypatch):
    found = resolve(monkeypatch, {"backend": "gpu"}, (), ("python", "native"))
    assert set(found.values()) == {"native"}


NATIVE = {"backend": "native", "stage2_kernel_backend": "native"}


def test_c037_native_only_refuses_other_overrides_and_missing_kernels(monkeypatch):
    overrides = {"stage7_scla": "python"}
    with pytest.raises(ConfigError, match="override of stage7_scla is not native"):
        resolve(monkeypatch, {**NATIVE, "kernel_backend_overrides": overrides}, native_only=True)
    with pytest.raises(BackendUnavailableError, match="has no 'native' implementation"):
        resolve(monkeypatch, NATIVE, (), ("python",), native_only=True)
    found = resolve(monkeypatch, NATIVE, native_only=True)
    assert set(found.values()) == {"native"}


def test_every_promised_kernel_has_all_three_forms():
    from pystamps_kernels.dispatch import supported_backends

    promised = (
        "stage2_grid_accumulate", "stage2_histogram", "stage2_topofit",
        "stage2_topofit_row_invariant", "stage2_topofit_coh_row_invariant", "stage4_edge_stats",
        "stage7_scla", "stage8_edge_noise",
    )  # fmt: skip
    kernels = all_kernels()
    for name in promised:
        assert {"python", "native", "cuda"} <= set(supported_backends(kernels[name])), name


def test_a_stack_too_large_for_the_blocks_of_a_device_is_told_with_its_kernels():
    day = np.arange(180.0)
    pairs = np.stack((np.arange(179), np.arange(1, 180)), axis=1)
    ifgs = Ifgs(pairs, np.zeros(179), day, 0.0, None)
    kernels = KernelTable(dict.fromkeys(all_kernels(), "cuda"), "double")

    def told_of(kernels, held):
        params = SimpleNamespace(unwrap_hold_good_values=held, unwrap_method="3D_QUICK")
        return list(backends.too_long_rows(kernels, stage6_sb.SPEC, params, ifgs, 227 * 1024))

    told = told_of(kernels, held=True)
    assert told == [
        "kernel stage6_held_smooth: 180 images take 262080 bytes of the shared memory of a block, "
        "the device has 232448, enough for 169; "
        "run it with --kernel-backend stage6_held_smooth=native"
    ]
    native = {**kernels.backends, "stage6_held_smooth": "native"}
    assert not told_of(replace(kernels, backends=native), held=True)
    assert not told_of(kernels, held=False)


def test_annealing_counts_where_small_baselines_are_unwrapped_by_3d():
    pairs = np.stack((np.zeros(3000, int), np.ones(3000, int)), axis=1)
    ifgs = Ifgs(pairs, np.zeros(3000), np.arange(2.0), 0.0, None)
    kernels = KernelTable(dict.fromkeys(all_kernels(), "cuda"), "double")
    for method, told in (("3D", 1), ("3d_new", 1), ("3D_QUICK", 0)):
        params = SimpleNamespace(unwrap_hold_good_values=False, unwrap_method=method)
        lines = backends.too_long_rows(kernels, stage6_sb.SPEC, params, ifgs, 227 * 1024)
        assert sum("stage6_anneal" in line for line in lines) == told


def test_a_run_is_refused_before_work_where_a_block_of_the_device_is_too_small(
    simulated, monkeypatch
):
    monkeypatch.setattr(backends, "choose_device", lambda local_rank, neighbours: 0)
    config = parse_config({"runtime": {"backend": "gpu"}})
    with (
        using(SimpleNamespace(shared_bytes=300)),
        pytest.raises(DatasetError, match="--kernel-backend stage2_topofit=native") as refused,
    ):
        plan_pipeline(PipelineContext(simulated, config))
    assert "8 interferograms take 448 bytes" in str(refused.value)
    with using(SimpleNamespace(shared_bytes=4096)):
        assert plan_pipeline(PipelineContext(simulated, config))
