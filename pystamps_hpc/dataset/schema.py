"""Every artifact and key, declared once: dimensions, MATLAB class, meaning, and its form inside.

One line per key: ``name | rows columns [planes] | class | how | meaning``.

class
    ``double``, ``single``, ``int8``, ``complex`` (single), ``complex double``, ``logical``,
    ``char``, ``sparse``; several, separated by ``/``, mean that the class of the array written is
    kept.
how
    ``index``: 1-based on disk, 0-based integers inside; ``int``: whole number inside;
    ``opt``: may be missing in a valid file (every key may be 0 x 0 = absent); ``nan``: NaN or
    infinity is read and written, every other number must be finite; ``nan=ok``: and is nothing
    amiss in a finished run; ``null=v``: in a single-master stack
    the master has a column of this value on disk (a row, of ``bperp``), which says nothing and is
    not there inside; ``ids``: the first column on disk numbers the rows from 1, or as the key does
    that is named, ``ids=ij``, and is not there inside; ``ours``: StaMPS neither writes nor reads
    it.

Inside, ``1 1`` is a scalar, ``n 1`` and ``1 n`` are 1-D, everything else keeps its shape; logical
is bool, char is str.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """One variable of an artifact."""

    name: str
    dims: tuple[str, ...]
    classes: tuple[str, ...]
    index: bool
    integer: bool
    optional: bool
    may_be_nan: bool
    sound_nan: bool
    null: float | None
    ids: str | None
    ours: bool
    meaning: str

    @property
    def scalar(self) -> bool:
        """Whether the variable is a single number or text."""
        return self.dims == ("1", "1") or self.classes == ("char",)

    @property
    def vector(self) -> bool:
        """Whether the variable is 1-D inside."""
        return not self.scalar and len(self.dims) == 2 and "1" in self.dims


@dataclass(frozen=True)
class Artifact:
    """One MAT file of the dataset (name without ``.mat``)."""

    name: str
    keys: dict[str, Key]


_PS = """
ij             | n_ps 3     | double         |       | id from 1, azimuth, range from 0
lonlat         | n_ps 2     | double         |       | longitude, latitude [deg]
xy             | n_ps 3     | single         | ids=ij | id (from 1), local x, y [m], rounded to mm
bperp          | n_ifg 1    | double/single  | null=0 | perpendicular baseline [m]
day            | n_image 1  | double         |       | acquisition, MATLAB day number
master_day     | 1 1        | double         |       | master, MATLAB day number
master_ix      | 1 1        | double         | index | position of the master in day
n_ifg          | 1 1        | double         | int   | interferograms, PS: with the master column
n_image        | 1 1        | double         | int   | images
n_ps           | 1 1        | double         | int   | points
ll0            | 1 2        | double         | opt   | origin of the local frame [deg]
sort_ix        | n_cand 1   | double         | index opt | row of each point in pscands.1.*
calconst       | n_slave 1  | double         | opt   | amplitude calibration
day_ix         | n_slave 1  | double         | index opt | order of the day file
mean_incidence | 1 1        | double         | opt   | incidence angle [rad]
mean_range     | 1 1        | double         | opt   | slant range [m]
ifgday         | n_ifg 2    | double         | opt   | SB: days of each pair
ifgday_ix      | n_ifg 2    | double         | index opt | SB: images of each pair
"""

_SCLA = """
ph_scla  | n_ps {n}    | single        | nan | look-angle error phase [rad]
K_ps_uw  | n_ps 1      | double        | nan | look-angle error slope [rad/m]
C_ps_uw  | n_ps 1      | single/double | nan | master atmosphere and orbit error [rad]
ph_ramp  | n_ps {n}    | double        | nan | plane of each interferogram [rad]
"""
_FITTED_SCLA = _SCLA + "ifg_vcm | {n} {n} | double | | covariance of the columns [rad^2]"

_TABLES: dict[str, str] = {
    "ps1": _PS,
    "ph1": "ph | n_ps n_ifg | complex | null=1 | candidate phasors, PS: ones at the master",
    "bp1": "bperp_mat | n_ps n_pm | single/double | | baseline of each point [m], PS: no master",
    "la1": "la | n_ps 1 | double/single | nan | look angle (SNAP, GAMMA PS: incidence) [rad]",
    "inc1": "inc | n_ps 1 | double/single | nan | incidence angle [rad]",
    "da1": "D_A | n_ps 1 | double | nan | amplitude dispersion",
    "hgt1": "hgt | n_ps 1 | double/single | nan | height [m]",
    "pm1": """
ph_patch           | n_ps n_pm     | complex       |       | filtered phasor at the point's cell
K_ps               | n_ps 1        | double        | nan   | look-angle error slope [rad/m]
C_ps               | n_ps 1        | double        |       | phase offset [rad]
coh_ps             | n_ps 1        | double        |       | temporal coherence gamma
N_opt              | n_ps 1        | double        |       | 1 where the fit is valid
ph_res             | n_ps n_pm     | single        |       | residual phase, offset included [rad]
step_number        | 1 1           | double        | int   | always 1
ph_grid            | n_i n_j n_pm  | complex       | nan   | weighted phasors on the grid
n_trial_wraps      | 1 1           | double/single |       | cycles over the baseline range
grid_ij            | n_ps 2        | single        | index | cell of each point, row and column
grid_size          | 1 1           | double        |       | cell size [m]
low_pass           | n_w n_w       | double        |       | low-pass response, zero frequency first
i_loop             | 1 1           | double        | int   | executed iterations
ph_weight          | n_ps n_pm     | complex       | nan   | weighted phasors that were gridded
Nr                 | 1 n_bin       | double        |       | scaled histogram of random coherence
Nr_max_nz_ix       | 1 1           | double        | int   | last non-empty bin (from 1)
coh_bins           | 1 n_bin       | double        |       | bin centres
coh_ps_save        | n_ps 1        | double        |       | copy of coh_ps
gamma_change_save  | 1 1           | double        |       | RMS change of gamma at the end
""",
    "select1": """
ix                   | n_sel 1    | double        | index | selected candidates
keep_ix              | n_sel 1    | logical       |       | kept after re-estimation
ph_patch2            | n_sel n_pm | complex       |       | filtered phasor without the own cell
ph_res2              | n_sel n_pm | single        |       | residual phase [rad]
K_ps2                | n_sel 1    | double        | nan   | look-angle error slope [rad/m]
C_ps2                | n_sel 1    | double        |       | phase offset [rad]
coh_ps2              | n_sel 1    | double        | nan   | re-estimated gamma
coh_thresh           | k 1        | double        | nan=ok | gamma threshold: one, or one per point
coh_thresh_coeffs    | 1 c        | double        |       | slope and intercept against D_A
clap_alpha           | 1 1        | double        |       | parameter
clap_beta            | 1 1        | double        |       | parameter
n_win                | 1 1        | double        | int   | parameter clap_win
max_percent_rand     | 1 1        | single/double |       | accepted random points per bin
gamma_stdev_reject   | 1 1        | double        |       | parameter
small_baseline_flag  | 1 1        | char          |       | 'y' or 'n'
ifg_index            | 1 n_use    | double        | index | columns used, master not counted
""",
    "weed1": """
ix_weed   | n_keep 1 | logical       |       | kept, over the rows ix(keep_ix)
ix_weed2  | n_node 1 | logical       |       | kept, over the nodes of the network
ps_std    | n_node 1 | single/double | nan   | smallest arc noise [rad]
ps_max    | n_node 1 | single/double | nan   | smallest largest arc noise [rad]
ifg_index | 1 n_use  | double        | index | interferograms used
""",
    "pm2": """
ph_patch | n_ps n_pm | complex/complex double |     | filtered phasor
ph_res   | n_ps n_pm | single/double          | opt | residual phase [rad]
K_ps     | n_ps 1    | double                 | opt | look-angle error slope [rad/m]
C_ps     | n_ps 1    | double                 | opt | phase offset [rad]
coh_ps   | n_ps 1    | double                 | opt | gamma; a combined dataset has none
""",
    "rc2": """
ph_rc    | n_ps n_ifg | complex/complex double |     | phase without look-angle error and noise
ph_reref | n_ps n_ifg | complex/complex double | opt | PS: filtered phase, ones at the master
""",
    "ph2": "ph | n_ps n_ifg | complex/complex double | | phasors, PS: the weight at the master",
    "ifgstd2": "ifg_std | n_ifg 1 | single | | noise of each interferogram [deg]",
    "uw_grid": """
ph           | n_node n_uw  | complex |       | filtered grid phase
ph_in        | n_ps n_uw    | complex |       | phase before gridding
ph_lowpass   | n_node n_uw  | complex |       | low-passed grid phase
ph_uw_predef | n_node n_uw  | single  | nan   | held values
ph_in_predef | n_ps n_uw    | single  | nan   | held values of the points
xy           | n_node 3     | double  | ids   | id, x, y of the node [m]
ij           | n_node 2     | double  | index | row and column of the node
nzix         | n_i n_j      | logical |       | occupied cells
grid_x_min   | 1 1          | single  |       | origin [m]
grid_y_min   | 1 1          | single  |       | origin [m]
n_i          | 1 1          | single  | int   | rows of the grid
n_j          | 1 1          | single  | int   | columns of the grid
n_ifg        | 1 1          | double  | int   | unwrapped interferograms
n_ps         | 1 1          | double  | int   | nodes
grid_ij      | n_ps 2       | single  | index | cell of each point
pix_size     | 1 1          | double  |       | cell size [m]
""",
    "uw_interp": """
edgs   | n_edge 3   | double | index ids | id, low node, high node (from 1)
n_edge | 1 1        | double | int | edges
rowix  | n_i1 n_j   | double |     | signed edge number of the row arcs, 0 inside a cell
colix  | n_i n_j1   | double |     | signed edge number of the column arcs
Z      | n_i n_j    | double | index | nearest node of each cell
""",
    "uw_space_time": """
dph_space_uw    | n_edge n_uw | single  | nan=ok | arc phase, smooth and noise [rad]
dph_noise       | n_edge n_uw | single  | nan=ok | arc noise [rad]
G               | n_uw n_used | double  | opt | network: -1 first image, +1 second
spread          | n_edge n_uw | sparse  | opt | spread of the spatial cost function
ifreq_ij        | n_node n_uw | single  | nan | gradient along rows
jfreq_ij        | n_node n_uw | single  | nan | gradient along columns
shaky_ix        | n_edge 1    | logical |     | edges that take the spatial estimate
predef_ix       | n_edge n_uw | logical |     | held values
edge_noise_std  | n_edge 1 | single | opt nan=ok ours | deviation of dph_noise of each arc [rad]
ifg_noise_std   | 1 n_uw      | double  | opt nan ours | deviation of dph_noise over edges [rad]
n_edge_rejected | 1 1         | double  | int opt ours | edges without statistics
stage           | 1 1         | double  | int opt ours | 8 once stage 8 has added its keys
""",
    "uw_phaseuw": """
ph_uw | n_node n_uw | single |  | unwrapped grid phase [rad]
msd   | n_uw 1      | double | nan=ok | mean squared neighbour difference [rad^2]
""",
    "phuw_sb2": """
ph_uw | n_ps n_ifg | single | nan     | SB: unwrapped phase of each pair [rad]
msd   | n_ifg 1    | single | opt nan | mean squared neighbour difference [rad^2]
""",
    "phuw_loops2": "intfg_loops | n_loop n_ifg | double | | 1, -1: pairs of a loop, by its sense",
    "phuw_good2": "good_pixels | n_ps n_ifg | logical | | pairs that close around a loop",
    "phuw_sb_res2": """
ph_res | n_ps n_ifg      | single | nan | SB: phase of each pair as the images give it [rad]
sb_cov | n_ifg n_ifg     | double |     | covariance of the pairs [rad^2]
sm_cov | n_image n_image | double |     | covariance of the images [rad^2]
""",
    "phuw2": """
ph_uw               | n_ps n_image | single | nan    | unwrapped phase, SB: of each image [rad]
msd                 | n_image 1  | single | opt nan=ok | mean squared neighbour difference [rad^2]
unwrap_ifg_index_sm | 1 n_use    | double | index opt | SB: images with an unwrapped phase
""",
    "scla2": _FITTED_SCLA.format(n="n_image"),
    "scla_smooth2": _SCLA.format(n="n_image"),
    "scla_sb2": _FITTED_SCLA.format(n="n_ifg"),
    "scla_smooth_sb2": _SCLA.format(n="n_ifg"),
    "scn2": """
ph_scn_slave | n_ps n_image | double | | atmosphere and orbit error of the slaves [rad]
ph_hpt       | n_ps n_use | single | | phase, high-passed in time [rad]
ph_ramp      | n_ps n_d   | double | | planes of the deramped interferograms [rad]
ph_noise_res | n_ps n_image | double | opt | kriging: ph_hpt less noise correlated in space [rad]
std_ph_noise | n_ps 1     | double | opt | kriging: its deviation over the images [rad]
""",
    "modeled_defo_edges": """
modeled_defo_edges | n_arc 5 | single |        | fit of each arc by the terms [rad]
A_time             | n_use 5 | double |        | terms: t^2, t, sin and cos - 1 of 2 pi t, 1
a                  | n_arc 1 | single | nan=ok | range of the variogram, NaN: not fitted [years]
c1                 | n_arc 1 | single | nan=ok | its sill [rad^2]
c2                 | n_arc 1 | single | nan=ok | its nugget [rad^2]
years              | n_use 1 | double |        | t: time of each image since 2000 [years]
mean_std           | 1 1     | single |        | mean deviation of what the fits leave [rad]
""",
    "unwrapping_errors_edges": """
x_edges           | n_arc 1     | single | | middle of each arc [m]
y_edges           | n_arc 1     | single | | middle of each arc [m]
unwrapping_errors | n_arc n_use | int8   | | what the other images tell of its phase [cycles]
""",
    "temp_vario": """
ind_in        | n_fit 1     | double | index  | arcs whose variogram is plausible
a             | n_arc 1     | single | nan=ok | range, NaN: not fitted [years]
c1            | n_arc 1     | single | nan=ok | sill [rad^2]
c2            | n_arc 1     | single | nan=ok | nugget [rad^2]
years         | n_use 1     | double |        | time of each image since 2000 [years]
dph_lpt       | n_arc n_use | single |        | phase of each arc, low-passed in time [rad]
dph           | n_arc n_use | single |        | phase that the fit by the terms leaves [rad]
corrected_dph | n_arc n_use | single |        | the same with its cycles corrected [rad]
""",
    "mean_v": """
m                | 2 n_ps   | double | nan       | offset [rad] and slope [rad/day]
mean_v           | n_ps 1   | double | opt nan ours | velocity towards the satellite [mm/yr]
value_type       | 1 1      | char   | opt ours  | how the phase was corrected
unwrap_ifg_index | 1 n_use  | double | index opt ours | fitted columns, SB: pairs, of `V` images
ref_ps           | n_ref 1  | double | index opt ours | points of the reference area
lambda           | 1 1      | double | opt ours  | wavelength [m]
master_day       | 1 1      | double | opt ours  | MATLAB day number
""",
    "merge2": """
psu_ix   | n_u 1         | double | index | points that only the PS have, rows there
psu_coh  | n_u 1         | single |       | their coherence over the pairs
psnu_ix  | n_c 1         | double | index | points of both, rows of the PS
sbnu_ix  | n_c 1         | double | index | points of both, rows of the small baselines
psnu_coh | n_c 1         | single |       | their coherence over the pairs, of the PS
sbnu_coh | n_c 1         | double |       | their coherence in the small baselines
G        | n_ifg n_image | double |       | -1 at the first, 1 at the second image of each pair
coh_ps   | n_ps 1        | double | opt ours | coherence of every point, which StaMPS does not keep
""",
    "deramp_degree": "degree | 1 1 | double | | degree of the ramps: 1, 1.5, 2 or 3",
    "psver": "psver | 1 1 | double | int | version suffix of the current files",
    "no_ps_info": "stamps_step_no_ps | 5 1 | double | | 1: no PS left after stage k",
}

_SAME: dict[str, str] = {
    "ps2": "ps1", "bp2": "bp1", "la2": "la1", "inc2": "inc1", "hgt2": "hgt1",
}  # fmt: skip


def _parse(name: str, table: str) -> Artifact:
    keys = {}
    for line in table.strip().splitlines():
        key, dims, classes, how, meaning = (part.strip() for part in line.split("|"))
        flags = how.split()
        keys[key] = Key(
            key,
            tuple(dims.split()),
            tuple(classes.split("/")),
            index="index" in flags,
            integer="int" in flags,
            optional="opt" in flags,
            may_be_nan=any(flag.startswith("nan") for flag in flags),
            sound_nan="nan=ok" in flags,
            null=next((float(flag[5:]) for flag in flags if flag.startswith("null=")), None),
            ids=next((flag[4:] for flag in flags if flag[:4] in ("ids", "ids=")), None),
            ours="ours" in flags,
            meaning=meaning,
        )
    return Artifact(name, keys)


ARTIFACTS: dict[str, Artifact] = {name: _parse(name, table) for name, table in _TABLES.items()}
ARTIFACTS |= {name: Artifact(name, ARTIFACTS[model].keys) for name, model in _SAME.items()}


POINTS = ("ps2", "ps1")
"""Artifacts that say how many points and interferograms there are and where, the newest first."""


def of_all_candidates(artifact: str) -> bool:
    """Whether an artifact is of the first version: of the candidates, not of the PS left."""
    return artifact.endswith("1")


def key(artifact: str, name: str) -> Key:
    """Return the declaration of one key."""
    return ARTIFACTS[artifact].keys[name]
