"""Verification: is a run the same as a golden tree, key by key, and is it consistent in itself.

``values``
    MATLAB values, read in blocks.
``policy``
    What counts as equal: one rule per key, from ``data/verify_policy.json``.
``kinds``, ``tally``, ``comparison``
    How far one array is from another.
``matching``
    Points of different selections, matched by azimuth and range.
``trees``, ``golden``, ``consistency``
    Which artifacts are compared, a run against golden, a run alone.
``merged``, ``pair_checks``
    What a run alone is held against; small baselines have checks of their own.
``velocities``, ``conditions``
    What the differences mean in mm/yr, and what the trees were made with.
``report``
    The JSON document.
"""

from .comparison import Difference, compare
from .conditions import conditions_of, recorded, unlike
from .consistency import verify_run_alone
from .golden import verify_run_against_golden
from .policy import Policy, Rule
from .report import VerifyReport
from .trees import Window
from .velocities import velocity_agreement

__all__ = [
    "Difference",
    "Policy",
    "Rule",
    "VerifyReport",
    "Window",
    "compare",
    "conditions_of",
    "recorded",
    "unlike",
    "velocity_agreement",
    "verify_run_against_golden",
    "verify_run_alone",
]
