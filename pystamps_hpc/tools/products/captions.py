"""What is written on a map of values, whoever draws it, and in which colours they are."""

from ...stages.shared.value_types import AWAY, AWAY_OF_PAIRS, TOWARDS, ValueType
from ..drawing.page import Captions

_SHORT = {
    TOWARDS: "positive towards the satellite",
    AWAY: "positive away from the satellite",
    AWAY_OF_PAIRS: "positive away from the satellite",
}


def map_captions(
    kind: ValueType,
    points: str,
    reference: str,
    note: str,
    title: str | None = None,
    against: str = "",
) -> Captions:
    """Say what a map shows.

    Parameters
    ----------
    kind : ValueType
        Whose values.
    points : str
        How many of what, and of which dates.
    reference : str
        What the values are relative to; empty where that has no meaning.
    note : str
        What the colours mean and what is left out.
    title : str, optional
        Title; by default what is shown.
    against : str
        Against what each map is shown; empty where it is shown as it is.
    """
    meaning = kind.meaning[0].upper() + kind.meaning[1:]
    lines = [points, f"Relative to {reference}"] if reference else [points]
    if against:
        lines.append(f"Each map against {against}")
    return Captions(title or f"{meaning} ({kind.name})", lines, note)


def dates_text(count: int, what: str, first: str, last: str, master: str) -> str:
    """Say from how many images or pairs values come, and from when to when.

    Parameters
    ----------
    count : int
        How many.
    what : str
        Of what, in the plural.
    first, last, master : str
        Dates; the master is empty where there is none.
    """
    said = f" · {count} {what if count > 1 else what.removesuffix('s')}, {first}"
    if last != first:
        said += f" to {last}"
    return said + (f", master {master}" if master else "")


def colours_of(kind: ValueType, unit: str) -> tuple[str, str]:
    """Return the colours of a type, a key of ``drawing.colours.MAPS``, and what is beside them."""
    if unit == "phasor":
        return "cycle", "wrapped phase [rad], positive away from the satellite"
    if kind.base.name == "vs":
        return "spread", f"{unit}, one standard deviation"
    if kind.base.name == "hgt":
        return "height", "m above the reference of the DEM"
    label = ", ".join(filter(None, (unit, _SHORT.get(kind.sign, ""))))
    return {"mm/yr": "motion", "rad": "phase"}.get(unit, "error"), label


def colours_text(kind: ValueType, unit: str) -> str:
    """Say what the colours of a type mean."""
    if unit == "phasor":
        return "Phase of one cycle, 2π rad: half a wavelength along the line of sight."
    if kind.base.name in ("vs", "hgt"):
        return f"In {unit}."
    if unit == "mm/yr":
        return ("Positive (blue): towards the satellite. Negative (red): away from it. In mm/yr "
                "along the line of sight.")  # fmt: skip
    if unit == "rad":
        when = "at the second image" if kind.of_pairs else "after the master"
        return (f"In rad along the line of sight. Positive (red): away from the satellite {when}; "
                "negative (blue): towards it.")  # fmt: skip
    return f"In {unit}: phase for each metre of perpendicular baseline."
