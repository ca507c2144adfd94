"""What the variables of an opened dataset are called and mean, declared once.

One line per variable: ``name | artifact.key | unit | sign | reference | meaning``. The artifact is
named without its version: ``ph`` is ``ph1`` of candidates and ``ph2`` of PS. Phasors are shown as
their phase. Dimensions follow from the schema. Of two lines of one name the later holds, where
there is its key.
"""

from dataclasses import dataclass

SIGNS = {
    "image": "positive: farther from the satellite than at the master",
    "pair": "positive: farther from the satellite at the second image than at the first",
    "ifg": "positive: farther from the satellite at the second image of the pair",
    "": "",
}
"""What a positive value means."""

REFERENCES = {
    "own": "none: each interferogram has a constant of its own",
    "area": "the reference area",
    "first": "the first point",
    "": "",
}
"""What values are relative to."""

_TABLE = """
amplitude_dispersion | da.D_A             |       |       |      | deviation over mean of the amplitude
coherence            | pm.coh_ps          |       |       |      | temporal coherence gamma
coherence            | merge.coh_ps       |       |       |      | temporal coherence gamma
wrapped              | ph.ph              | rad   | ifg   | own  | wrapped phase
filtered             | pm.ph_patch        | rad   | ifg   | own  | wrapped phase, filtered in space
residual             | pm.ph_res          | rad   | ifg   |      | wrapped phase less the filtered one and the look-angle error of the point
point_slope          | pm.K_ps            | rad/m |       |      | look-angle error of the point, uncorrelated in space, per metre of baseline
point_offset         | pm.C_ps            | rad   |       |      | noise of the master at the point
corrected            | rc.ph_rc           | rad   | ifg   | own  | wrapped phase less look-angle error and master noise of the point
noise                | ifgstd.ifg_std     | deg   |       |      | root mean square noise of the interferogram
point_bperp          | bp.bperp_mat       | m     |       |      | perpendicular baseline at the point
unwrapped            | phuw.ph_uw         | rad   | image | own  | unwrapped phase of the images
pair_unwrapped       | phuw_sb.ph_uw      | rad   | pair  | own  | unwrapped phase of the pairs
pair_inverted        | phuw_sb_res.ph_res | rad   | pair  | own  | phase of the pairs as the images give it
scla                 | scla.ph_scla       | rad   | image | area | spatially correlated look-angle error
slope                | scla.K_ps_uw       | rad/m |       | area | spatially correlated look-angle error per metre of baseline
master_atmosphere    | scla.C_ps_uw       | rad   | image | area | atmosphere and orbit error of the master, in all images alike
ramp                 | scla.ph_ramp       | rad   | image |      | plane of the image
pair_scla            | scla_sb.ph_scla    | rad   | pair  | area | spatially correlated look-angle error of the pairs
pair_slope           | scla_sb.K_ps_uw    | rad/m |       | area | spatially correlated look-angle error of the pairs per metre of baseline
pair_ramp            | scla_sb.ph_ramp    | rad   | pair  |      | plane of the pair
scn                  | scn.ph_scn_slave   | rad   | image | first | atmosphere and orbit error of the other images
height               | hgt.hgt            | m     |       |      | height of the DEM that the interferograms were made with
incidence            | inc.inc            | rad   |       |      | incidence angle
look_angle           | la.la              | rad   |       |      | look angle; of SNAP and GAMMA the incidence angle
"""  # noqa: E501


@dataclass(frozen=True)
class Stored:
    """A variable that is a key of an artifact.

    Parameters
    ----------
    name : str
        In the opened dataset.
    artifact, key : str
        Where it is; the artifact without its version.
    unit, sign, reference, meaning : str
        What it says; empty where that does not apply.
    """

    name: str
    artifact: str
    key: str
    unit: str
    sign: str
    reference: str
    meaning: str


def _parse(line: str) -> Stored:
    name, place, unit, sign, reference, meaning = (part.strip() for part in line.split("|"))
    artifact, _, key = place.partition(".")
    return Stored(name, artifact, key, unit, SIGNS[sign], REFERENCES[reference], meaning)


STORED: tuple[Stored, ...] = tuple(map(_parse, _TABLE.strip().splitlines()))

COORDINATES = ("height",)
"""Those that say where a point is."""
