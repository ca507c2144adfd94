"""Whether values of parameters fit the stack, before any work."""

from dataclasses import dataclass, fields
from typing import Any

from ..dataset.parameter_table import TABLE, is_reset
from ..dataset.parameters import Parameters
from ..dataset.tree import Dataset
from ..errors import DatasetError, StageError
from ..stages.base import StageSpec
from ..stages.shared.ifgs import listed_columns
from ..stages.shared.reference_area import ReferenceArea, require_reachable
from .stack import Bounds, StackSummary, known_bounds, known_stack
from .table import mode_of, tasks


def require_value(dataset: Dataset, parameters: Parameters, name: str) -> None:
    """Refuse the value of a parameter that a run on this dataset would refuse.

    Parameters
    ----------
    dataset : Dataset
        Tree.
    parameters : Parameters
        With the value.
    name : str
        Full name.

    Raises
    ------
    DatasetError
        An index outside the stack, or a reference area without points.
    """
    value = parameters.value(name)
    if value is None or is_reset(value):
        return
    alone = Parameters(stored={"lambda": 0.05, "heading": 0.0, name: value})
    stack = known_stack(dataset, parameters) if name in TABLE else None
    for row in tasks(mode_of(parameters)):
        if name in (item.name.rstrip("_") for item in fields(row.spec.params)):
            alone.to_params(row.spec.params)
            if stack is not None:
                require_indices(alone, row.spec, stack)
    if name in (item.name for item in fields(ReferenceArea)):
        bounds = known_bounds(dataset)
        if bounds is not None:
            _require_area(parameters, bounds)


def require_indices(parameters: Parameters, spec: StageSpec, stack: StackSummary) -> None:
    """Refuse index lists of a stage that name what the stack does not have, or leave too little.

    Raises
    ------
    DatasetError
        Names parameter, index and range, or the islands of a network that falls apart.
    """
    params: Any = parameters.to_params(spec.params)
    lists = {
        item.name: getattr(params, item.name)
        for item in fields(params)
        if TABLE[item.name.rstrip("_")].kind == "indices"
    }
    try:
        for name, numbers in lists.items():
            if not isinstance(numbers, str):
                counted = stack.ifgs.series if name == "scla_drop_index" else stack.ifgs
                listed_columns(numbers, counted.n_columns, name)
        if dropped := lists.get("drop_ifg_index"):
            stack.ifgs.used(dropped, fewest=2)
        spec.accepts(params, stack.ifgs)
    except StageError as error:
        raise DatasetError(str(error)) from None
    if "drop_ifg_index" in lists:
        require_connected(parameters, stack)


@dataclass(frozen=True)
class _LeftOut:
    drop_ifg_index: tuple[int, ...]


def require_connected(parameters: Parameters, stack: StackSummary) -> None:
    """Refuse small baselines that fall apart, perhaps by what is left out.

    Raises
    ------
    DatasetError
        Lists the islands by the dates of their images.
    """
    left_out = parameters.to_params(_LeftOut).drop_ifg_index
    try:
        stack.ifgs.only(stack.ifgs.used(left_out)).require_connected()
    except StageError as error:
        raise DatasetError(str(error)) from None


def require_reference(parameters: Parameters, spec: StageSpec, bounds: Bounds) -> None:
    """Refuse a reference area of a stage in which no point can lie.

    Raises
    ------
    DatasetError
        Names the area and where the points are.
    """
    if issubclass(spec.params, ReferenceArea):
        _require_area(parameters, bounds)


def _require_area(parameters: Parameters, bounds: Bounds) -> None:
    try:
        require_reachable(parameters.to_params(ReferenceArea), bounds)
    except StageError as error:
        raise DatasetError(str(error)) from None
