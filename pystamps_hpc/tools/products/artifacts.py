"""A dataset processed through some stage: parameters, network and stacks, read when asked for."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from pystamps_kernels.dispatch import Arithmetic, table

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.border import inside
from ...dataset.mat import MatFile
from ...dataset.rows import FloatArray, IntArray, Rows
from ...dataset.schema import ARTIFACTS, key
from ...errors import ConfigError, DatasetError, StageError
from ...parallel.context import Context, QuietLog
from ...parallel.team import SerialTeam, Team
from ...pipeline.table import maker, mode_of
from ...stages.shared import external_phase
from ...stages.shared.ifgs import Ifgs, inverted_images
from ...stages.shared.projection import continuous
from ...stages.shared.reference_area import ReferenceArea, reference_ps
from ...stages.shared.velocity import ifg_covariance
from .files import read_artifact

EXTERNAL = {"a": "tca", "i": "ica", "t": "tide"}
"""Letter of a correction -> stem of its files."""

_OTHERS = {"tca2": "TRAIN", "tca_sb2": "TRAIN"}
"""Artifact -> the program that makes it."""

_KEYS = {"i": ("ph_iono_azshift",), "t": ("ph_tide",)}


class MergedArtifacts:
    """What the artifacts of a dataset hold; nothing is read before it is asked for.

    Parameters
    ----------
    root : path
        Dataset processed through some stage.
    config : RunConfig, optional
        Arithmetic of means.
    tropo : str, optional
        Method of tropospheric correction; by default that of ``tropo_method``.
    team : Team, optional
        Ranks that share the work; what is computed is then asked for by all of them.

    Attributes
    ----------
    ctx : Context
        The reference kernels, and the ranks.
    warnings : list of str
        What was told on the way.
    stage : int
        Last stage of which something was asked for.

    Raises
    ------
    DatasetError, MatError
        Of every attribute and method: an artifact is missing, damaged, or does not fit the points.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        config: RunConfig | None = None,
        tropo: str | None = None,
        team: Team | None = None,
    ) -> None:
        self.root = Path(root)
        self.tropo = tropo
        known = (config or RunConfig()).resolved()
        arithmetic: Arithmetic = "single" if known.compat.arithmetic == "single" else "double"
        log = QuietLog()
        self.warnings = log.warnings
        self.stage = 0
        self.ctx = Context(table("python", arithmetic), known, team or SerialTeam(), log)
        self.parameters = parameters.load(self.root)

    @property
    def small_baselines(self) -> bool:
        """Whether the dataset is of small baselines."""
        return self.parameters.small_baselines

    @cached_property
    def points(self) -> dict[str, Any]:
        """Keys of ``ps2``: positions and network; longitudes have no jump at the date line."""
        longitude, latitude = self._stored["lonlat"].T
        moved = continuous(longitude)
        if moved is longitude:
            return self._stored
        return self._stored | {"lonlat": np.column_stack((moved, latitude))}

    @cached_property
    def _stored(self) -> dict[str, Any]:
        """Keys of ``ps2`` as they are."""
        self.require("ps2", "the points")
        names = ("ij", "lonlat", "xy", "ll0", "n_ps", "mean_range", *Ifgs.KEYS)
        known = read_artifact(self.root, "ps2", *names)
        if not known["n_ps"]:
            raise DatasetError(f"{self.root / 'ps2.mat'}: holds 0 PS; nothing can be made of it")
        return known

    @property
    def n_ps(self) -> int:
        """Number of PS."""
        return int(self.points["n_ps"])

    @cached_property
    def network(self) -> Ifgs:
        """The interferograms."""
        ifgs = Ifgs.of_keys(self.points)
        if (ifgs.master is None) != self.small_baselines:
            raise DatasetError(
                f"{self.root / 'ps2.mat'}: {'holds' if ifgs.master is None else 'lacks'} pairs of "
                f"images, but small_baseline_flag is '{'y' if self.small_baselines else 'n'}'; "
                "correct the parameter"
            )
        return ifgs

    @cached_property
    def series(self) -> Ifgs:
        """The images against the master."""
        return self.network.series

    def ifgs(self, of_pairs: bool) -> Ifgs:
        """Return the network of pairs, or that of images."""
        return self.network if of_pairs else self.series

    def used(self, of_pairs: bool) -> IntArray:
        """Return the columns that ``drop_ifg_index`` leaves, of images those with a phase."""
        if of_pairs or not self.small_baselines:
            return self.network.used_columns(self.parameters.value("drop_ifg_index") or ())
        listed: IntArray | None = self.value("phuw2.unwrap_ifg_index_sm")
        return self.series.used_columns(()) if listed is None else np.sort(listed)

    def fitted(self, of_pairs: bool) -> IntArray:
        """Return the columns of a straight line: the used ones without the master."""
        if self.small_baselines and not of_pairs:
            return inverted_images(self.series, self.value("phuw2.unwrap_ifg_index_sm"))
        used = self.used(of_pairs)
        return used[np.isin(used, self.network.columns)]

    def covariance(self, of_pairs: bool, fitted: IntArray) -> FloatArray:
        """Return the covariance of columns of a fit, (n_fit, n_fit) [rad^2]."""
        if not self.small_baselines:
            known = self.has("ifgstd2")
            noise = self.value("ifgstd2.ifg_std") if known else None
            return ifg_covariance(self.network, noise, fitted)
        name = "phuw_sb_res2." + ("sb_cov" if of_pairs else "sm_cov")
        covariance: FloatArray = self.value(name)
        return covariance[np.ix_(fitted, fitted)]

    @cached_property
    def ref_ps(self) -> IntArray | None:
        """Rows of the reference area, None where there is to be none; StageError if it is empty."""
        known = self._stored  # as stage 8 has them
        area = self.parameters.to_params(ReferenceArea)
        return reference_ps(area, known["lonlat"], known["xy"], known.get("ll0"))

    @property
    def wavelength(self) -> float:
        """Radar wavelength [m]."""
        found = self.parameters.value("lambda")
        if not (isinstance(found, float) and 0 < found < np.inf):
            self.require("phuw2", "the unwrapped phase")  # unfinished: say what makes it
            raise DatasetError(
                f"{self.root}: the wavelength is not known; run stage 1 or set lambda"
            )
        return found

    @property
    def of_envisat(self) -> bool:
        """Whether Envisat took the images, whose oscillator drifts (docs/values.md)."""
        if str(self.parameters.value("platform")).upper() == "ENVISAT":
            return True
        files = (self.root / "master.res", self.root.parent / "master.res")
        return any("ASAR" in file.read_text(errors="replace") for file in files if file.is_file())

    @property
    def method(self) -> str:
        """Long name of the method of tropospheric correction, ``erai``."""
        return self._method(external_phase.method_name)

    def _method(self, name_of: Callable[[str], str]) -> str:
        if self.tropo is None:
            return name_of(str(self.parameters.value("tropo_method")))
        try:
            return name_of(self.tropo)
        except StageError as error:  # of what was typed
            raise ConfigError(str(error)) from None

    @cached_property
    def deramp_degree(self) -> float:
        """Degree of the ramps, that of ``deramp_degree.mat`` or 1."""
        return float(self.value("deramp_degree.degree")) if self.has("deramp_degree") else 1.0

    def has(self, artifact: str) -> bool:
        """Whether an artifact is there."""
        return (self.root / f"{artifact}.mat").exists()

    def require(self, artifact: str, what: str) -> None:
        """Refuse a dataset without an artifact; say what makes it.

        Raises
        ------
        DatasetError
            It is missing.
        """
        row = maker(artifact, "merged", mode_of(self.parameters))
        self.stage = max(self.stage, row.spec.number if row else 0)
        if self.has(artifact):
            return
        remedy = f"{_OTHERS.get(artifact, 'another program')} makes it"
        if row is not None:
            stage = row.spec.number
            remedy = (
                f"pystamps-hpc run --dataset {quote(str(self.root))} --end-step {stage} makes it"
            )
        raise DatasetError(
            f"{self.root / artifact}.mat: file does not exist; it holds {what}; {remedy}"
        )

    def value(self, name: str) -> Any:
        """Return one key, ``"scla2.K_ps_uw"``, in its form inside; None where it is empty."""
        artifact, _, variable = name.partition(".")
        declared = key(artifact, variable)
        self.require(artifact, declared.meaning)
        with MatFile(self.root / f"{artifact}.mat") as file:
            if variable not in file.variables and declared.optional:
                return None
            found = inside(declared, file.read(variable))
        if found is not None and declared.dims == ("n_ps", "1") and len(found) != self.n_ps:
            raise DatasetError(
                f"{self.root / artifact}.mat: '{variable}' has {len(found)} values for "
                f"{self.n_ps} PS; run the stage that makes it again"
            )
        return found

    def of_points(self, name: str) -> FloatArray:
        """Return one number per PS, (n_ps,) float64; NaN where the dataset has none."""
        found = self.value(name) if self.has(name.partition(".")[0]) else None
        return np.full(self.n_ps, np.nan) if found is None else found.astype(np.float64).ravel()

    def stack(self, name: str, n_columns: int, n_rows: int | None = None) -> Rows:
        """Return a stack, ``"phuw2.ph_uw"``, that stays on disk."""
        artifact, _, variable = name.partition(".")
        declared = ARTIFACTS.get(artifact)
        what = declared.keys[variable].meaning if declared else "a correction"
        self.require(artifact, what)
        path, n_rows = self.root / f"{artifact}.mat", n_rows or self.n_ps
        with MatFile(path) as file:
            rows = file.rows(variable)
        if tuple(rows.shape) != (n_rows, n_columns):
            found = " x ".join(map(str, rows.shape))
            raise DatasetError(
                f"{path}: '{variable}' is {found}, expected {n_rows} x {n_columns} as in ps2; "
                "run the stage that makes it again"
            )
        return rows

    def ramps(self, artifact: str) -> Rows:
        """Return the ramps that stage 7 stored, (n_ps, n_col) [rad].

        Raises
        ------
        DatasetError
            It stored none.
        """
        self.require(artifact, "ramps")
        with MatFile(self.root / f"{artifact}.mat") as file:
            stored = file.variables.get("ph_ramp")
        if stored is None or 0 in stored.shape:
            raise DatasetError(
                f"{self.root / artifact}.mat: holds no ramps, scla_deramp was 'n'; "
                "pystamps-hpc parms set scla_deramp y, and run stage 7 again"
            )
        of_pairs = artifact.endswith("_sb2")
        return self.stack(f"{artifact}.ph_ramp", self.ifgs(of_pairs).n_columns)

    def external(self, letter: str, of_pairs: bool) -> Rows:
        """Return the correction of another program, (n_ps, n_col) [rad].

        Parameters
        ----------
        letter : {"a", "i", "t"}
            Troposphere, ionosphere, tides.
        of_pairs : bool
            Of pairs, or of images, to which that of pairs is inverted.
        """
        stem = EXTERNAL[letter]
        pairs = self.small_baselines and (of_pairs or self.has(f"{stem}_sb2"))
        ifgs = self.ifgs(pairs)
        names = external_phase.keys_of(self.method) if letter == "a" else _KEYS[letter]
        artifact = f"{stem}_sb2" if pairs else f"{stem}2"
        parts = [self.stack(f"{artifact}.{name}", ifgs.n_columns) for name in names]
        correction = parts[0]
        if letter == "a":
            shape = self.n_ps, ifgs.n_columns
            correction = external_phase.tropospheric(parts, self.method, shape, self.ctx)
        if pairs and not of_pairs:
            return external_phase.of_images(correction, ifgs, self.used(True), self.ctx)
        return correction

    def subtracted(self, letter: str, of_pairs: bool) -> Rows:
        """Return a correction as :meth:`external`; refuse one that is no phase to take off.

        Raises
        ------
        ConfigError, StageError
            The tropospheric method that was typed, or that of ``tropo_method``, is none of phase.
        """
        if letter == "a":
            self._method(external_phase.phase_method)
        return self.external(letter, of_pairs)

    def taken_off(self, letters: str, of_pairs: bool) -> Mapping[str, Any]:
        """Return what letters of a value type take off unwrapped phase."""
        columns = self.ifgs(of_pairs).n_columns
        scla = "scla_sb2" if of_pairs else "scla2"
        found: dict[str, Any] = {}
        for letter in letters:
            if letter == "d":
                found[letter] = self.stack(f"{scla}.ph_scla", columns)
            elif letter == "m":
                found[letter] = self.value(f"{scla}.C_ps_uw")
            elif letter == "s":
                found[letter] = self.stack("scn2.ph_scn_slave", columns)
            elif letter in EXTERNAL:
                found[letter] = self.subtracted(letter, of_pairs)
        return found
