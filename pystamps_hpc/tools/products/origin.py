"""What a product was made from: its fingerprint in the state of the root, then and now."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from ...dataset import parameters
from ...errors import PystampsError
from ...pipeline import LAST_STAGE
from ...pipeline.finished import made_here
from ...pipeline.presence import PRODUCTS
from ...pipeline.product_origins import read_origins
from ...pipeline.state import digest, plain
from ...pipeline.table import mode_of, tasks
from .files import read_artifact
from .result import fitted_anew, stored_type

SOURCES = ("ps2", "mean_v", "phuw2", "phuw_sb2", "phuw_sb_res2", "scla2", "scla_sb2", "ifgstd2",
           "hgt2", "pm2", "merge2", "deramp_degree")  # fmt: skip
PARAMETERS = ("lambda", "heading", "drop_ifg_index", "ref_lon", "ref_lat", "ref_centre_lonlat",
              "ref_radius", "ref_x", "ref_y")  # fmt: skip


def origin_now(root: Path, value_type: str, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a product would be made from now.

    Parameters
    ----------
    root : Path
        Dataset.
    value_type : str
        How the phase is corrected; counts where no ``mean_v.mat`` says its own.
    known : dict, optional
        An earlier origin, so that unchanged files are not read again.
    """
    digests = (known or {}).get("inputs", {})
    paths = [root / f"{name}.mat" for name in SOURCES]
    values = parameters.load(root)
    return {
        "inputs": {p.name: digest(p, digests.get(p.name)) for p in paths if p.exists()},
        "parameters": {name: plain(values.value(name)) for name in PARAMETERS},
        "value_type": None if _said(root) else value_type,
    }


def _said(root: Path) -> str | None:
    """Return the type that ``mean_v.mat`` says; None also of a damaged file, told elsewhere."""
    with suppress(PystampsError):
        return stored_type(root)
    return None


def made_elsewhere(root: Path) -> list[str]:
    """Return the sources that follow the merge and have no record of ours."""
    mode = mode_of(parameters.load(root))
    later = {name for row in tasks(mode) if row.spec.scope == "merged" and not row.gathers
             for name in row.first_made}  # fmt: skip
    there = [name for name in SOURCES if name in later and (root / f"{name}.mat").exists()]
    return [f"{name}.mat" for name in there if not made_here(root, name, mode)]


def what_is_not_known(root: Path, value_type: str) -> list[str]:
    """Return what results of another program do not say of the velocities.

    Parameters
    ----------
    root : Path
        Dataset.
    value_type : str
        The type of velocity that was asked for.
    """
    elsewhere = made_elsewhere(root)
    fit: dict[str, Any] = {}
    with suppress(PystampsError):
        if (root / "mean_v.mat").exists():
            fit = read_artifact(root, "mean_v", "unwrap_ifg_index")
    notes, said = [], _said(root)
    if "mean_v.mat" in elsewhere and said is None:
        notes.append(fitted_anew(value_type))
    elif "mean_v.mat" in elsewhere and said != value_type:
        notes.append(
            f"the velocities are those of mean_v.mat of another program, of type {said}; "
            f"{value_type} was asked for; --start-step {LAST_STAGE} --force makes them"
        )
    phases = [name for name in elsewhere if name != "mean_v.mat"]
    if phases and fit.get("unwrap_ifg_index") is None:
        notes.append(
            f"{', '.join(phases)}: made by another program; the products use the interferograms "
            "that drop_ifg_index leaves today, whether it left the same then is not known"
        )
    return notes


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the files and parameters in which two origins differ."""
    pairs = [
        *((name, *(each["inputs"].get(name, {}).get("sample") for each in (one, other)))
          for name in {**one["inputs"], **other["inputs"]}),
        *((name, *(each["parameters"].get(name) for each in (one, other))) for name in PARAMETERS),
        ("mean_v_type", one["value_type"], other["value_type"]),
    ]  # fmt: skip
    return [name for name, here, there in pairs if here != there]


def outdated_products(root: Path) -> dict[str, str]:
    """Return the products of a dataset that do not fit its artifacts, with the reason."""
    found = {}
    made = read_origins(root)
    for name in PRODUCTS:
        known = made.get(name)
        if known is None or not (root / "products" / name).exists():
            continue
        changed = differences(known, origin_now(root, known["value_type"] or "", known))
        if changed:
            found[f"products/{name}"] = f"made from other {', '.join(changed)}"
    return found
