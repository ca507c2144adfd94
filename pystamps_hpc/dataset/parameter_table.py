"""The StaMPS processing parameters, declared once: defaults, allowed values, meaning.

One line per parameter, in the order in which StaMPS creates them:
``name | kind | default | small-baseline default | unit | allowed | meaning``. An empty
small-baseline default repeats the other one, ``absent`` means that StaMPS does not create the
field, ``-`` is an empty list.

kind
    ``flag`` (``y`` or ``n``), ``text``, ``number``, ``integer``, ``pair`` (two numbers),
    ``indices`` (1-based list).
allowed
    Texts: the known ones; ``*`` when any other is accepted too. Numbers: a lower bound, the value
    finite unless ``Inf`` follows. Lists: ``all`` where that word stands for every index.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["flag", "text", "number", "integer", "pair", "indices"]
Value = str | float | tuple[float, ...]

_TABLE = """
small_baseline_flag          | flag    | n         | y        |       |        | small baselines (y) or single master (n)
insar_processor              | text    | doris     |          |       | doris gamma snap isce gsar | which program made the interferograms
max_topo_err                 | number  | 20        |          | m     | > 0    | largest uncorrelated DEM error
quick_est_gamma_flag         | flag    | y         |          |       |        | quick estimation of gamma (temporal coherence)
select_reest_gamma_flag      | flag    | y         |          |       |        | estimate gamma of selected points again, without their own phase
filter_grid_size             | number  | 50        |          | m     | > 0    | cell size of the grid on which the phase of candidates is filtered
filter_weighting             | text    | P-square  |          |       | P-square SNR * | weighting of candidates in the filtered phase
gamma_change_convergence     | number  | 0.005     |          |       |        | change of gamma at which iterations stop
gamma_max_iterations         | integer | 3         |          |       | >= 1   | largest number of iterations of the estimation of gamma
slc_osf                      | number  | 1         |          |       | > 0    | oversampling factor of the SLCs
clap_win                     | integer | 32        |          | cells | >= 1   | window of the combined low-pass and adaptive (CLAP) filter
clap_low_pass_wavelength     | number  | 800       |          | m     | > 0    | cut-off wavelength of the low-pass part of the CLAP filter
clap_alpha                   | number  | 1         |          |       | >= 0   | exponent of the adaptive part of the CLAP filter
clap_beta                    | number  | 0.3       |          |       | >= 0   | weight of the adaptive part of the CLAP filter
select_method                | text    | DENSITY   |          |       | DENSITY PERCENT * | how random points among the selected are limited
density_rand                 | number  | 20        | 2        | 1/km2 | >= 0   | accepted density of random points among the selected
percent_rand                 | number  | 20        | 1        | %     | >= 0   | accepted share of random points among the selected
gamma_stdev_reject           | number  | 0         |          |       |        | largest bootstrapped deviation of gamma; 0: no limit
weed_time_win                | number  | 730       |          | days  | > 0    | PS: deviation of the temporal Gaussian of arc noise
weed_max_noise               | number  | Inf       |          | rad   | >= 0 Inf | largest arc noise
weed_standard_dev            | number  | 1         | Inf      | rad   | >= 0 Inf | largest deviation of arc noise
weed_zero_elevation          | flag    | n         |          |       |        | drop points at height zero
weed_neighbours              | flag    | n         |          |       |        | PS: keep the best of adjacent pixels
unwrap_method                | text    | 3D        | 3D_QUICK |       | 2D 3D 3D_NEW 3D_FULL 3D_QUICK 3D_SMALL_DEF 3D_NO_DEF | how time takes part in unwrapping
unwrap_patch_phase           | flag    | n         |          |       |        | patch phase of stage 3 as filtered phase
drop_ifg_index               | indices | -         |          |       |    | interferograms left out; PS: columns with the master, SB: pairs
unwrap_la_error_flag         | flag    | y         |          |       |        | estimate look-angle error of arcs before unwrapping
unwrap_spatial_cost_func_flag| flag    | n         |          |       |        | spatial cost function of the unwrapping
unwrap_prefilter_flag        | flag    | y         |          |       |        | resample to a grid and filter before unwrapping
unwrap_grid_size             | number  | 200       |          | m     | > 0    | cell size of the unwrapping grid
unwrap_gold_n_win            | integer | 32        |          | cells | >= 1   | window of the Goldstein filter before unwrapping
unwrap_alpha                 | number  | 8         |          |       |        | obsolete, never read
unwrap_time_win              | number  | 730       |          | days  | > 0    | deviation of the temporal Gaussian of arcs in unwrapping
unwrap_gold_alpha            | number  | 0.8       |          |       | >= 0   | exponent of the Goldstein filter before unwrapping
unwrap_hold_good_values      | flag    | n         |          |       |        | SB: keep points that were unwrapped correctly before
scla_drop_index              | indices | -         |          |       |        | images left out of the look-angle error fit
scn_wavelength               | number  | 100       |          | m     | > 0    | deviation of the spatial Gaussian of the noise (SCN) filter
scn_time_win                 | number  | 365       |          | days  | > 0    | deviation of the temporal Gaussian of the noise (SCN) filter
scn_deramp_ifg               | indices | -         |          |       | all    | interferograms whose plane counts as noise (SCN)
scn_kriging_flag             | flag    | n         |          |       |        | kriging instead of the Gaussian filter of noise (SCN)
ref_lon                      | pair    | -Inf Inf  |          | deg   | Inf    | longitude interval of the reference area
ref_lat                      | pair    | -Inf Inf  |          | deg   | Inf    | latitude interval of the reference area
ref_centre_lonlat            | pair    | 0 0       |          | deg   |        | longitude and latitude of the centre of the reference circle
ref_radius                   | number  | Inf       |          | m     | Inf    | radius of the reference circle; Inf: no circle, -Inf: no reference
ref_velocity                 | number  | 0         |          | m/yr  |        | added to exported mean velocity
n_cores                      | integer | 1         |          |       | >= 1   | background processes of StaMPS
plot_dem_posting             | number  | 90        |          | m     | > 0    | plotting: posting of the DEM
plot_scatterer_size          | number  | 120       |          | m     | > 0    | plotting: size of a scatterer
plot_pixels_scatterer        | number  | 3         |          | pixels| > 0    | plotting: pixels of a scatterer
plot_color_scheme            | text    | inflation |          |       | *      | plotting: colour scheme
shade_rel_angle              | pair    | 90 45     |          | deg   |        | plotting: azimuth and elevation of the light on the relief
lonlat_offset                | pair    | 0 0       |          | deg   |        | plotting: shift of longitude and latitude
merge_resample_size          | number  | 0         | 100      | m     | >= 0   | posting of resampled points; 0: keep all
merge_standard_dev           | number  | Inf       |          | rad   | >= 0 Inf | largest noise of a resampled point
scla_method                  | text    | L2        |          |       | L1 L2 * | norm of the look-angle error fit
scla_deramp                  | flag    | n         |          |       |        | estimate a plane per interferogram before the look-angle error
lambda                       | number  | NaN       |          | m     | > 0  | radar wavelength; stage 1 sets it
heading                      | number  | NaN       |          | deg   |        | heading of the satellite; stage 1 sets it
sb_scla_drop_index           | indices | absent    | -        |       |        | SB: pairs left out of the look-angle error fit
subtr_tropo                  | flag    | n         |          |       |        | subtract a tropospheric estimate of TRAIN (tca2.mat, tca_sb2.mat)
tropo_method                 | text    | a_l       |          |       | *      | which tropospheric estimate is subtracted
platform                     | text    | absent    |          |       | *      | sensor name; stage 1 sets it
ref_x                        | pair    | absent    |          | m     | Inf    | local x interval of the reference area, instead of ref_lon
ref_y                        | pair    | absent    |          | m     | Inf    | local y interval of the reference area, instead of ref_lat
krig_atmo                    | flag    | absent    |          |       |        | kriging of the atmosphere of the master
"""  # noqa: E501

_YES_NO = {"y": "y", "yes": "y", "true": "y", "1": "y", "n": "n", "no": "n", "false": "n", "0": "n"}


@dataclass(frozen=True)
class Parameter:
    """Declaration of one parameter.

    Parameters
    ----------
    name : str
        StaMPS name.
    kind : str
        See the module.
    default, default_sb : Value or None
        Default with a single master and with small baselines; None: StaMPS does not create it.
    unit, meaning : str
        For people.
    allowed : str
        See the module.
    """

    name: str
    kind: Kind
    default: Value | None
    default_sb: Value | None
    unit: str
    allowed: str
    meaning: str

    @property
    def one_mode(self) -> str:
        """``PS`` or ``SB`` where the parameter counts in one mode only: how its meaning begins."""
        mode, colon, _ = self.meaning.partition(":")
        return mode if colon and mode in ("PS", "SB") else ""

    def check(self, value: Any) -> Value:
        """Return `value` in its canonical form.

        Parameters
        ----------
        value : str, float, bool or sequence of float
            Flags also as yes/no, true/false, 1/0.

        Raises
        ------
        ValueError
            What is wrong and what is allowed, without the name.
        """
        if self.kind == "flag":
            return self._flag(value)
        if self.kind == "text":
            return self._text(value)
        if self.kind == "indices":
            return self._indices(value)
        numbers = _numbers(value)
        if self.kind == "pair":
            if len(numbers) != 2:
                raise ValueError("must be two numbers")
            return tuple(self._number(number) for number in numbers)
        if len(numbers) != 1:
            raise ValueError("must be one number")
        return self._number(numbers[0])

    @property
    def form(self) -> str:
        """What a value looks like, in words."""
        if self.kind == "flag":
            return "y or n"
        if self.kind == "text":
            known = [word for word in self.allowed.split() if word != "*"]
            return " or ".join(known) if known else "a text"
        if self.kind == "indices":
            return "a list of indices from 1" + (" or 'all'" if "all" in self.allowed else "")
        noun = {"number": "a number", "integer": "an integer", "pair": "two numbers"}[self.kind]
        bound = self.allowed.replace("Inf", "").strip()
        return f"{noun} {bound}".strip()

    def _flag(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        flag = _YES_NO.get(str(value).strip().lower())
        if flag is None:
            raise ValueError("must be y or n")
        return flag

    def _text(self, value: Any) -> str:
        known = self.allowed.split()
        if isinstance(value, str) and value.strip():
            text = value.strip()
            for word in known:
                if word.lower() == text.lower() and word != "*":
                    return word
            if "*" in known:
                return text
        raise ValueError(f"must be {self.form}")

    def _indices(self, value: Any) -> Value:
        if isinstance(value, str) and value.strip().lower() == "all" and "all" in self.allowed:
            return "all"
        try:
            numbers = _numbers(value)
        except ValueError:
            raise ValueError(f"must be {self.form}") from None
        bad = [number for number in numbers if not (number >= 1 and float(number).is_integer())]
        if bad:
            raise ValueError(f"must be {self.form}, not {text_of(tuple(bad))}")
        return numbers

    def _number(self, number: float) -> float:
        least = re.match(r"(>=?) *(\S+)", self.allowed)
        too_small = least is not None and (
            number < float(least[2]) or (least[1] == ">" and number == float(least[2]))
        )
        infinite = math.isinf(number) and "Inf" not in self.allowed
        fraction = self.kind == "integer" and not float(number).is_integer()
        if math.isnan(number) or infinite or too_small or fraction:
            raise ValueError(f"must be {self.form}" + (" and finite" if infinite else ""))
        return number


def _numbers(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        raise ValueError("must be a number, not a text")
    items = value if isinstance(value, Iterable) else (value,)
    try:
        return tuple(float(item) for item in items)
    except (TypeError, ValueError):
        raise ValueError("must be a number") from None


def is_reset(value: Any) -> bool:
    """Whether a value asks for the default: NaN in every element, and at least one."""
    try:
        numbers = _numbers(value)
    except ValueError:
        return False
    return bool(numbers) and all(math.isnan(number) for number in numbers)


def text_of(value: Any) -> str:
    """Write a value as StaMPS logs it: numbers as ``%g``, lists in brackets, text in quotes."""
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        return "[" + " ".join(text_of(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:g}".replace("inf", "Inf").replace("nan", "NaN")
    return str(value)


def _default(kind: str, text: str) -> Value | None:
    if text == "absent":
        return None
    if kind in ("flag", "text"):
        return text
    numbers = tuple(float(word) for word in text.split() if word != "-")
    return numbers if kind in ("pair", "indices") else numbers[0]


def _parse(line: str) -> Parameter:
    columns = [column.strip() for column in line.split("|")]
    name, kind, default, default_sb, unit, allowed, meaning = columns
    return Parameter(
        name,
        kind,  # type: ignore[arg-type]
        _default(kind, default),
        _default(kind, default_sb or default),
        unit,
        allowed,
        meaning,
    )


TABLE: dict[str, Parameter] = {
    parameter.name: parameter for parameter in map(_parse, _TABLE.strip().splitlines())
}


@cache
def defaults(small_baselines: bool) -> Mapping[str, Value]:
    """Return the fields that StaMPS creates in a mode, with their default values."""
    values = {
        name: parameter.default_sb if small_baselines else parameter.default
        for name, parameter in TABLE.items()
    }
    return MappingProxyType({name: value for name, value in values.items() if value is not None})
