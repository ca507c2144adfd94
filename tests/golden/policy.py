"""What counts as equal to the golden artifacts: one line per key.

Columns: key, kind, absolute and relative tolerance. A key that is not listed must be equal in every
element. The tables follow the sections on measured agreement of the stage specifications:
``ISOLATED`` for a stage run on golden inputs in the single arithmetic, ``DOUBLE`` for what the
double arithmetic changes there, ``CHAIN`` for what accumulates when stages run on their own inputs.
"""

from functools import cache

from .compare import Policy

ISOLATED = """
ps1.mean_incidence       float    2e-14  0
la1.la                   float    1e-15  0
pm1.low_pass             float    2e-15  0
pm1.Nr                   float    0      1e-12
pm1.gamma_change_save    float    2e-15  0
select1.ph_patch2        row      0      5e-6
select1.ph_res2          wrapped  5e-5   0
select1.K_ps2            float    2e-8   1e-6
select1.C_ps2            wrapped  1e-5   0
select1.coh_ps2          float    2e-6   0
select1.coh_thresh       float    2e-7   0
weed1.ps_std             float    2e-3   0      0.999:1e-5
weed1.ps_max             float    2e-3   0      0.999:1e-5
uw_grid.ph               phasor   0      1e-6
uw_grid.ph_in            phasor   0      1e-6
uw_space_time.dph_space_uw float  2e-6   1e-6
uw_space_time.dph_noise  wrapped  2e-6   0
uw_phaseuw.ph_uw         cycle    1e-5   0
uw_phaseuw.msd           float    0      0.05
phuw2.ph_uw              cycle    1e-5   0
phuw2.msd                float    0      0.05
scla2.K_ps_uw            float    2e-8   0
scla2.C_ps_uw            float    5e-6   0
scla2.ph_scla            float    5e-6   0
scla_smooth2.K_ps_uw     float    2e-8   0
scla_smooth2.C_ps_uw     float    5e-6   0
scla_smooth2.ph_scla     float    5e-6   0
scn2.ph_hpt              float    5e-6   1e-5
scn2.ph_scn_slave        float    5e-6   1e-5
"""

DOUBLE = """
ps1.bperp                float    0.05   0
pm1.n_trial_wraps        float    0      1e-3
pm1.ph_patch             phasor   5e-5   0
pm1.ph_weight            phasor   1e-5   1e-5
pm1.ph_grid              phasor   1e-5   1e-5
pm1.K_ps                 float    2e-8   1e-6
pm1.C_ps                 wrapped  1e-5   0
pm1.coh_ps               float    5e-6   0
pm1.coh_ps_save          float    5e-6   0
pm1.ph_res               wrapped  5e-5   0
pm1.Nr                   float    3      1e-3
pm1.gamma_change_save    float    1e-7   0
rc2.ph_rc                phasor   0      1e-6
ifgstd2.ifg_std          float    0      1e-5
scla2.K_ps_uw            float    1e-6   0
scla2.C_ps_uw            float    3e-5   0
scla2.ph_scla            float    4e-4   0
scla2.ifg_vcm            float    1e-7   0
scla_smooth2.K_ps_uw     float    1e-6   0
scla_smooth2.C_ps_uw     float    3e-5   0
scla_smooth2.ph_scla     float    4e-4   0
scn2.ph_hpt              float    4e-4   0
scn2.ph_scn_slave        float    4e-4   0
"""

CHAIN = """
ps2.mean_incidence       float    2e-14  0
pm2.ph_res               wrapped  5e-5   0
pm2.K_ps                 float    2e-8   1e-6
pm2.C_ps                 wrapped  1e-5   0
pm2.coh_ps               float    2e-6   0
rc2.ph_rc                phasor   0      1e-5
ifgstd2.ifg_std          float    0      1e-6
uw_grid.ph               phasor   0      1e-5
uw_grid.ph_in            phasor   0      1e-5
uw_space_time.dph_space_uw float  1e-4   0
uw_space_time.dph_noise  wrapped  1e-4   0
uw_phaseuw.ph_uw         cycle    1e-4   0
scla2.ifg_vcm            float    1e-6   0
"""


@cache
def _table(text: str) -> dict[str, Policy]:
    table = {}
    for line in text.strip().splitlines():
        key, kind, atol, rtol, *bulk = line.split()
        quantile = tuple(float(part) for part in bulk[0].split(":")) if bulk else None
        table[key] = Policy(kind, float(atol), float(rtol), quantile)  # type: ignore[arg-type]
    return table


def policy(artifact: str, key: str, arithmetic: str = "single", chain: bool = False) -> Policy:
    """Return what counts as equal for one key."""
    name = f"{artifact}.{key}"
    tables = [ISOLATED]
    if chain:
        tables.insert(0, CHAIN)
    if arithmetic == "double":
        tables.insert(0, DOUBLE)
    found = [_table(text)[name] for text in tables if name in _table(text)]
    if not found:
        return Policy("exact")
    return max(found, key=lambda item: item.atol + item.rtol)
