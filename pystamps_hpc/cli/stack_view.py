"""A stack of images before its preparation, as people read it."""

from collections.abc import Iterator
from shlex import quote
from typing import Any

from .shapes import BAD, CAREFUL, GOOD, Shape, heading, marked, pairs, paragraph, table

MOST_RASTERS = 12


def stack_shapes(check: dict[str, Any]) -> Iterator[Shape]:
    """Show what the images are like, what is wrong, and what can be expected of them."""
    facts = {"dataset": check["dataset"]}
    if known := check["overview"]:
        kind = "small baselines" if known["small_baselines"] else "single master"
        facts |= {
            "stack": f"{known['processor']}, {kind}, master {known['master']}",
            "scene": f"{known['length']:,} lines x {known['width']:,} samples",
            "images": f"{known['images']}, {known['interferograms']} interferograms",
        }
    yield pairs(facts)
    yield from _rasters(check["rasters"])
    yield from _images(check["images"])
    if check["candidates"]:
        yield heading("Candidates to be expected, by a sample of lines")
        rows = ((f"{row['amp_dispersion']:g}", f"{100 * row['share']:.1f} %",
                 f"{row['candidates']:,}") for row in check["candidates"])  # fmt: skip
        yield table(("--amp-dispersion", "of the pixels", "candidates"), rows)
    if check["patches"]:
        yield heading("Patches as --patches auto would make them here")
        yield table(("ranks", "azimuth", "range", "overlaps"), (
            (row["ranks"], row["azimuth_patches"], row["range_patches"],
             f"{row['azimuth_overlap']}, {row['range_overlap']}") for row in check["patches"]
        ))  # fmt: skip
    yield paragraph()
    for warning in check["warnings"]:
        yield paragraph(f"warning: {warning}", style=CAREFUL)
    for problem in check["problems"]:
        yield paragraph(problem, style=BAD)
    if check["sound"]:
        yield paragraph(
            "The stack is sound and not prepared yet.",
            f"Next: pystamps-hpc prep --dataset {quote(check['dataset'])}{_master(check)}",
        )


def _rasters(rows: list[dict[str, Any]]) -> Iterator[Shape]:
    """Show the rasters that do not fit, else some."""
    if not rows:
        return
    bad = [row for row in rows if row["status"] != "ok"]
    shown = (bad or rows)[:MOST_RASTERS]
    yield heading(f"Rasters: {len(rows) - len(bad)} of {len(rows)} fit")
    yield table(
        ("raster", "samples", "order", "bytes", "expected", ""),
        (
            (row["raster"], row["samples"], row["order"], _number(row["bytes"]),
             _number(row["expected"]), marked(row["status"], BAD if bad else GOOD))
            for row in shown
        ),
    )  # fmt: skip
    if len(bad or rows) > len(shown):
        yield paragraph(f"and {len(bad or rows) - len(shown)} more; --json names all")


def _images(rows: list[dict[str, Any]]) -> Iterator[Shape]:
    if rows:
        yield heading("Images")
        yield table(("date", "interferograms", "without data", "mean amplitude"), (
            (row["date"], row["interferograms"], f"{100 * row['no_data']:.1f} %",
             f"{row['mean_amplitude']:.4g}") for row in rows
        ))  # fmt: skip


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _master(check: dict[str, Any]) -> str:
    """Return the option that tells the master, where the names of pairs do not."""
    known = check["overview"]
    asked = known and known["small_baselines"] and known["processor"] in ("snap", "gamma")
    return f" --master-date {known['master']}" if asked else ""
