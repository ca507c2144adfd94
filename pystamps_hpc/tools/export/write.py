"""From a dataset to the file of a format: what is refused before work, and the work."""

import os
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...config import RunConfig
from ...config.products import PRODUCTS
from ...dataset import parameters
from ...dataset.inside import within
from ...dataset.tree import discover_dataset
from ...errors import ToolMissingError
from ...pipeline.product_origins import write_origin
from ...stages.shared.value_types import value_type
from ..products.origin import origin_now
from ..products.plot_files import require_free, require_place
from ..products.points import ALL, Points, read_points
from ..products.result import USUAL_TYPE
from . import Format, format_of


@dataclass(frozen=True)
class Export:
    """What was written: the file or folder, and the points in it."""

    path: Path
    points: Points


def export(
    root: str | os.PathLike[str],
    form: str,
    name: str | None = None,
    path: str | os.PathLike[str] | None = None,
    tropo: str | None = None,
    force: bool = False,
    config: RunConfig | None = None,
    usual: str = USUAL_TYPE,
    **options: Any,
) -> Export:
    """Write the points of a dataset in a format.

    Parameters
    ----------
    root : path
        Dataset processed through stage 7 or 8.
    form : str
        Name of the format, see :data:`FORMATS`.
    name : str, optional
        Value type of the velocity; by default what stage 8 left.
    path : path, optional
        File or folder to write; by default in the products of the dataset.
    tropo : str, optional
        Method of tropospheric correction; by default that of ``tropo_method``.
    force : bool
        Whether what is there is replaced.
    config : RunConfig, optional
        Arithmetic of means.
    usual : str
        Value type where neither `name` nor a ``mean_v.mat`` says it.
    **options
        What the format takes besides.

    Returns
    -------
    Export
        What was written.

    Raises
    ------
    ConfigError
        No such format, option or value type.
    ToolMissingError
        A module that the format needs is not installed.
    DatasetError, MatError, StageError
        The target is there, or an artifact is missing or does not fit the others; what the format
        cannot hold.
    PublishError
        The target cannot be written.
    """
    known = format_of(form, tuple(options))
    require_modules(known)
    target = Path(path) if path else _default(Path(root), known, name)
    _require_target(target, known, force)
    home, _, function = known.writer.rpartition(".")
    module = import_module(f"...{home}", __name__)
    columns = getattr(module, "COLUMNS", ALL)
    points = read_points(root, name, tropo, config, columns, usual)
    getattr(module, function)(points, target, **options)
    if path is None and known.file in PRODUCTS:
        plain = name is None and tropo is None and not options
        write_origin(Path(root), known.file, origin_now(Path(root), usual) if plain else None)
    return Export(target, points)


def _default(root: Path, known: Format, name: str | None) -> Path:
    """Return where the format goes in a dataset, which must be writable for it."""
    discover_dataset(root, need_patches=False).require_writable()
    file = Path(known.file)
    if name is None:
        return within(root, "products") / file
    kind = value_type(name, parameters.load(root).small_baselines)
    return within(root, "products") / f"{file.stem}_{kind.name}{file.suffix}"


def require_modules(known: Format) -> None:
    """Refuse a format whose libraries are not installed.

    Raises
    ------
    ToolMissingError
        One is missing.
    """
    missing = [module for module in known.modules if find_spec(module) is None]
    if missing:
        raise ToolMissingError(
            f"{missing[0]} is not installed: export {known.name} needs it; pip install "
            f"'.[{known.extra}]' in the source folder"
        )


def _require_target(path: Path, known: Format, force: bool) -> None:
    """Refuse a file that is not to be replaced, or a place where none can be made."""
    suffix = Path(known.file).suffix
    require_free(path, suffix, force)
    for side in known.sides:
        require_free(path.with_suffix(side), side, force)
    require_place(path)
