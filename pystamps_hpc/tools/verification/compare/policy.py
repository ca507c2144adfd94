"""What counts as equal: one rule per key, from the policy file of the package."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from ....config import ToleranceConfig
from ....dataset.schema import ARTIFACTS, Key
from ....errors import ConfigError

Kind = Literal["exact", "float", "wrapped", "phasor", "row", "cycle", "set", "ignore"]
Profile = Literal["strict", "scientific"]
Condition = Literal["chain", "double", "qhull", "native unwrapper"]

MAX_UNMATCHED_FRACTION = 0.002

CHAINED: tuple[Condition, ...] = ("chain",)


@dataclass(frozen=True)
class Rule:
    """What counts as equal for one key.

    Parameters
    ----------
    kind : str
        ``exact``: equal values. ``float``: ``|r - g| <= atol + rtol |g|``. ``wrapped``: phases
        modulo the period. ``phasor``: complex difference against ``rtol max(|g|, median |g|)``;
        ``row``: against ``rtol`` times the largest modulus of the row. ``cycle``: unwrapped phase,
        never wrapped to pass. ``set``: index sets and masks. ``ignore``: recorded only.
    atol, rtol : float
        Absolute and relative tolerance of one element.
    bulk : (float, float) or None
        ``(q, t)``: the q-quantile of the difference must also be at most t.
    outliers : float
        Fraction of elements that may lie beyond the tolerance.
    cap : float, "modulus", "range" or None
        Largest difference of any element; ``modulus`` is the largest modulus of the golden array,
        ``range`` twice that.
    period : float
        Period of ``wrapped``.
    scientific : bool
        Whether the rule belongs to the scientific profile.
    diagnostic : bool
        Whether the key is left out when only final products are compared.
    unmatched : float
        Fraction of points that may be missing on either side.
    """

    kind: Kind = "exact"
    atol: float = 0.0
    rtol: float = 0.0
    bulk: tuple[float, float] | None = None
    outliers: float = 0.0
    cap: float | Literal["modulus", "range"] | None = None
    period: float = 2 * math.pi
    scientific: bool = False
    diagnostic: bool = False
    unmatched: float = MAX_UNMATCHED_FRACTION

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigError(f"unsupported comparison kind '{self.kind}'")
        if self.outliers and not self.scientific:
            raise ConfigError("max_outlier_fraction needs the profile scientific")
        if self.outliers and self.cap is None and self.kind not in ("cycle", "set"):
            raise ConfigError("a positive max_outlier_fraction needs a finite max_abs")


@dataclass(frozen=True)
class Policy:
    """The rules of one comparison.

    Parameters
    ----------
    profile : {"strict", "scientific"}
        Strict: agreement as measured against the original. Scientific: bounded outliers with hard
        caps, points matched by position.
    conditions : collection of {"chain", "double", "qhull", "native unwrapper"}
        What the run went through that a strict rule allows for: stages run on their own results
        instead of golden ones; double instead of single arithmetic; the native triangulator, whose
        edges have other orientations than those of Triangle; the native unwrapper, which rounds
        otherwise than SNAPHU.
    tolerance : ToleranceConfig, optional
        ``key_tolerances`` (strongest), and the defaults of keys without a rule.
    """

    profile: Profile = "strict"
    conditions: Collection[Condition] = field(default_factory=lambda: CHAINED)
    tolerance: ToleranceConfig = field(default_factory=ToleranceConfig)

    def rule(self, artifact: str, key: str) -> Rule:
        """Return what counts as equal for one key.

        Raises
        ------
        ConfigError
            A configured tolerance contradicts the profile.
        """
        name = f"{artifact}.{key}"
        parts = policy_table()["keys"].get(name, {})
        together = ["double chain"] if {"double", "chain"} <= set(self.conditions) else []
        allowed = ["strict", *self.conditions, *together]
        named = [parts[part] for part in allowed if part in parts]
        measured = [_rule(part, False) for part in named] or [Rule()]
        rule = max(measured, key=_width)
        if self.profile == "scientific":
            found = parts.get("scientific")
            loose = self._scientific_default(artifact, key) if found is None else _rule(found, True)
            rule = _at_least(loose, rule)
        rule = replace(rule, diagnostic=bool(parts.get("diagnostic")))
        return self._configured(rule, name, key)

    def _scientific_default(self, artifact: str, key: str) -> Rule:
        schema = ARTIFACTS[artifact].keys.get(key) if artifact in ARTIFACTS else None
        if schema is None or _whole_numbers(schema):
            return Rule(scientific=True)
        default = self.tolerance
        return Rule(
            "float",
            default.atol,
            default.rtol,
            outliers=default.max_outlier_fraction,
            cap=default.max_abs,
            scientific=True,
        )

    def _configured(self, rule: Rule, name: str, key: str) -> Rule:
        given = self.tolerance.key_tolerances
        values = given.get(name, given.get(key))
        if values is None:
            return rule
        names = {"max_outlier_fraction": "outliers", "max_abs": "cap"}
        unknown = sorted(set(values) - {"atol", "rtol", *names})
        if unknown:
            raise ConfigError(f"tolerance.key_tolerances.{name}: unknown key {', '.join(unknown)}")
        changes: dict[str, Any] = {names.get(part, part): value for part, value in values.items()}
        if rule.kind == "exact":
            changes["kind"] = "float"
        return replace(rule, **changes)


def _width(rule: Rule) -> tuple[float, float]:
    """Order rules by what they allow: to any element, then to nearly all."""
    return rule.atol + rule.rtol, rule.bulk[1] if rule.bulk else math.inf


def _at_least(rule: Rule, other: Rule) -> Rule:
    """Return a rule with the tolerances of another of its kind where those are wider."""
    if rule.kind != other.kind:
        return rule
    return replace(rule, atol=max(rule.atol, other.atol), rtol=max(rule.rtol, other.rtol))


def _whole_numbers(schema: Key) -> bool:
    return schema.index or schema.integer or bool({"logical", "char"} & set(schema.classes))


def _rule(part: Mapping[str, Any], scientific: bool) -> Rule:
    values = dict(part)
    if "bulk" in values:
        values["bulk"] = tuple(values["bulk"])
    return Rule(scientific=scientific, **values)


@cache
def policy_table() -> dict[str, Any]:
    """Return the policy file of the package, ``data/verify_policy.json``."""
    text = files("pystamps_hpc").joinpath("data/verify_policy.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
