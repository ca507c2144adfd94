"""The value types of StaMPS' plotting: what is shown of a dataset, and what is taken off first.

A type is a base with letters behind a dash, ``v-do``. One line per base:
``base | of | listed | unit | reference | letters | meaning``.

of
    ``images``: columns against the master; ``pairs``: small baselines; ``network``: the columns of
    the interferograms, in either mode; ``points``: one number per PS. Where a base is of images
    and of pairs, small baselines write that of images with a capital, ``V-do``.
listed
    Columns by default: those ``used``, or ``all``; ``fit``: those of a straight line; ``one``: one
    value, of no column.
reference
    ``ref``: relative to the reference area.
letters
    Those that the base takes, in StaMPS' order. Behind a colon is what is done, in this order;
    without one it is what the letters say: ``d`` look-angle error, ``m`` phase of the master, ``s``
    spatially correlated noise, ``a`` troposphere, ``i`` ionosphere, ``t`` tides are taken off,
    ``o`` takes a ramp off; ``0`` sets the column of the master to zero (a phasor to one).
"""

from dataclasses import dataclass
from functools import cached_property

from ...errors import ConfigError

_TABLE = """
w     | network | used | phasor |     | d o do dm:dm0 dmo:dmo0 a da | wrapped phase
wa    | network | used | phasor |     |                      | tropospheric correction, wrapped
wf    | network | used | phasor |     |                      | filtered phase of the unwrapping grid
p     | network | all  | phasor |     |                      | spatially filtered phase
u     | images  | used | rad    | ref | d o do m:m0 dm:dm0 dmo:dmo0 s:s0 dms:smd0 dmos:smdo0 a:a0 ao:a0o da:da0 dao:da0o i:i0 ai:ai0 di dai:dai0 dit dait:dait0 | unwrapped phase
usb   | pairs   | used | rad    | ref | d o do a ao da dao ai dai | unwrapped phase of pairs
rsb   | pairs   | used | rad    | ref | o                    | phase of pairs less that of their images
d     | images  | one  | rad/m  | ref |                      | look-angle (DEM) error
d     | pairs   | one  | rad/m  | ref |                      | look-angle (DEM) error, from pairs
m     | images  | one  | rad    | ref |                      | atmosphere and orbit error of the master
o     | images  | all  | rad    | ref |                      | stored ramps
s     | images  | used | rad    | ref |                      | spatially correlated noise (SCN)
a     | images  | used | rad    | ref | o                    | tropospheric correction
asb   | pairs   | used | rad    | ref | o                    | tropospheric correction of pairs
i     | images  | used | rad    | ref |                      | ionospheric correction
isb   | pairs   | used | rad    | ref |                      | ionospheric correction of pairs
t     | images  | all  | rad    | ref |                      | tidal correction
tsb   | pairs   | all  | rad    | ref |                      | tidal correction of pairs
v     | images  | fit  | mm/yr  | ref | d:dm o do s so ds dso a ao da dao dai dait | mean velocity
v     | pairs   | fit  | mm/yr  | ref | d o do a ao da dao dai dat dait | mean velocity, from pairs
vi    | images  | fit  | mm/yr  | ref |                      | mean velocity of the ionospheric correction
vt    | images  | fit  | mm/yr  | ref |                      | mean velocity of the tidal correction
vdrop | images  | fit  | mm/yr  | ref | d:dm o do dos:dso dao | mean velocity without each image in turn
vdrop | pairs   | fit  | mm/yr  | ref | d o do dao           | mean velocity without each pair in turn
vs    | images  | fit  | mm/yr  |     | d o a ao do da dat dao:doa | standard deviation of the mean velocity
vs    | pairs   | fit  | mm/yr  |     | d o a ao do da dat dao:doa | standard deviation of the mean velocity, from pairs
hgt   | points  | one  | m      |     |                      | height of the DEM
"""  # noqa: E501

LETTERS = {
    "d": "look-angle (DEM) error",
    "m": "phase of the master",
    "s": "spatially correlated noise",
    "o": "ramp",
    "a": "troposphere",
    "i": "ionosphere",
    "t": "tides",
}
"""What letters behind a dash take off."""

TOWARDS = "(positive: towards the satellite)"
AWAY = "(positive: away from the satellite, after the master)"
AWAY_OF_PAIRS = "(positive: away from the satellite at the second image)"
"""Phase of a pair is that of its second image less that of its first."""


@dataclass(frozen=True)
class Base:
    """One line of the table."""

    name: str
    of: str
    listed: str
    unit: str
    referenced: bool
    operations: dict[str, str]
    meaning: str


@dataclass(frozen=True)
class ValueType:
    """What is shown: a base, and what is taken off.

    Parameters
    ----------
    name : str
        As StaMPS writes it, ``V-do``.
    base : Base
        Its line of the table.
    suffix : str
        The letters behind the dash.
    """

    name: str
    base: Base
    suffix: str

    @cached_property
    def operations(self) -> str:
        """What is done to the phase; see the module."""
        return self.base.operations[self.suffix]

    @property
    def meaning(self) -> str:
        """What is shown, and what is taken off it, in words."""
        taken = ", ".join(LETTERS[letter] for letter in self.suffix)
        return self.base.meaning + (f", without {taken}" if taken else "")

    @property
    def sign(self) -> str:
        """Which way is positive; empty where there is nothing to say."""
        if self.base.name == "vs":
            return ""
        away = AWAY_OF_PAIRS if self.of_pairs else AWAY
        return {"mm/yr": TOWARDS, "rad": away}.get(self.base.unit, "")

    @property
    def of_pairs(self) -> bool:
        """Whether its columns are small baselines and nothing else."""
        return self.base.of == "pairs"

    @property
    def of_interferograms(self) -> bool:
        """Whether its columns are those of the interferograms: of small baselines the pairs."""
        return self.base.of in ("pairs", "network")

    @property
    def is_velocity(self) -> bool:
        """Whether it is made of a straight line through the phase."""
        return self.base.listed == "fit"


def _parse(line: str) -> Base:
    name, of, listed, unit, reference, letters, meaning = (part.strip() for part in line.split("|"))
    words = (word.partition(":") for word in letters.split())
    operations = {"": ""} | {suffix: done or suffix for suffix, _, done in words}
    return Base(name, of, listed, unit, reference == "ref", operations, meaning)


BASES: tuple[Base, ...] = tuple(map(_parse, _TABLE.strip().splitlines()))


def bases_of(small_baselines: bool) -> dict[str, Base]:
    """Return the bases of a mode by the name that they have there."""
    found = {}
    both = {base.name for base in BASES if base.of == "pairs"}
    for base in BASES:
        if small_baselines and base.of == "images" and (base.name in both or base.name[0] == "v"):
            found[base.name.capitalize()] = base
        elif small_baselines or base.of != "pairs":
            found[base.name] = base
    return found


def value_type(name: str, small_baselines: bool) -> ValueType:
    """Find a value type by its name.

    Parameters
    ----------
    name : str
        StaMPS' name; letters behind the dash in any order.
    small_baselines : bool
        Mode of the dataset.

    Raises
    ------
    ConfigError
        The mode has no such base, or the base does not take these letters.
    """
    asked, _, letters = name.partition("-")
    asked, letters = asked[:1] + asked[1:].lower(), "".join(sorted(letters.lower()))
    known = bases_of(small_baselines)
    if not small_baselines and asked[:1] in ("D", "V"):
        asked = asked.lower()
    if asked not in known:
        mode = "small baselines" if small_baselines else "a single-master stack"
        raise ConfigError(f"value type {name}: {mode} has no '{asked}'; it has {', '.join(known)}")
    base = known[asked]
    for suffix in base.operations:
        if "".join(sorted(suffix)) == letters:
            return ValueType(f"{asked}-{suffix}" if suffix else asked, base, suffix)
    if {"m", "a"} <= set(letters):
        raise ConfigError(
            f"value type {name}: atmosphere removed twice, with the master's phase (m) and with "
            "the troposphere (a); leave one of them out"
        )
    taken = ", ".join(f"-{suffix}" for suffix in base.operations if suffix) or "no letters"
    raise ConfigError(f"value type {name}: '{asked}' takes {taken}")


def operations_of(name: str, of_pairs: bool) -> str:
    """Return what a velocity type does to the phase of images or of pairs."""
    known = value_type(name.lower() if of_pairs else name.capitalize(), small_baselines=True)
    return known.operations
