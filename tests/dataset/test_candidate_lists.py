"""Lists of candidates: the text that a formatted line would have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_hpc.dataset.candidates.lists import write_lists

PIXELS = st.integers(0, 2**31 - 1)


def written(folder, azimuth, sample, dispersion):
    write_lists(folder, np.array(azimuth, np.int64), np.array(sample, np.int64), dispersion)
    return (folder / "pscands.1.ij").read_text(), (folder / "pscands.1.da").read_text()


@given(st.lists(st.tuples(PIXELS, PIXELS), max_size=12))
def test_places_are_counted_from_1_and_pixels_from_0(tmp_path_factory, pixels):
    azimuth, sample = zip(*pixels, strict=True) if pixels else ((), ())
    folder = tmp_path_factory.mktemp("patch")
    ij, _ = written(folder, azimuth, sample, np.ones(len(pixels), np.float32))
    assert ij == "".join(f"{k} {i} {j}\n" for k, (i, j) in enumerate(pixels, 1))


@given(arrays(np.float32, st.integers(1, 30), elements=st.floats(2.0**-13, 999998, width=32)))
def test_six_digits_are_those_of_the_exact_value(tmp_path_factory, dispersion):
    none = np.zeros(len(dispersion))
    _, da = written(tmp_path_factory.mktemp("patch"), none, none, dispersion)
    assert da == "".join(f"{value:g}\n" for value in dispersion.tolist())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0001, "0.0001"), (0.00099999997, "0.001"), (0.9999996, "1"), (0.5, "0.5"),
        (123456.5, "123456"), (123457.5, "123458"), (0, "0"), (2e-5, "2e-05"),
        (np.nan, "-nan"), (np.inf, "inf"), (1e6, "1e+06"),
    ],
)  # fmt: skip
def test_a_dispersion_is_written_as_in_stamps(tmp_path, value, text):
    _, da = written(tmp_path, [0, 0], [0, 0], np.array([0.25, value], np.float32))
    assert da == f"0.25\n{text}\n"
