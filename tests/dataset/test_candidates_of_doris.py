"""Files of DORIS and rasters of ISCE are read, or refused with what is wrong with them."""

import numpy as np
import pytest

from pystamps_hpc.dataset import candidates
from pystamps_hpc.dataset.candidates import isce
from pystamps_hpc.errors import DatasetError

from .scenes import scene, write_doris


def test_sensor_values_of_doris_come_from_text_files(tmp_path):
    patch, parameters = write_doris(tmp_path, scene())
    assert candidates.sensor_parameters(tmp_path, parameters) == {
        "heading": -167.3,
        "lambda": 0.0562,
        "slc_osf": 2.0,
    }
    (tmp_path / "heading.1.in").write_text("\n")
    with pytest.raises(DatasetError, match=r"heading\.1\.in: holds 0 numbers, expected one"):
        candidates.sensor_parameters(tmp_path, parameters)
    (tmp_path / "heading.1.in").rename(patch / "heading.1.in")
    (patch / "heading.1.in").write_text("12")
    assert candidates.sensor_parameters(tmp_path, parameters, [patch])["heading"] == 12


def test_doris_calibration_goes_by_the_date_in_the_path(tmp_path):
    patch, parameters = write_doris(tmp_path, scene())
    (tmp_path / "calamp.out").write_text(
        "/x/20100220_crop.slc 5.5\n/a b/20100301/slave.slc 3.5\n/19991231/20100101/s.slc 1.5\n"
    )
    read = candidates.read(patch, parameters)
    np.testing.assert_array_equal(read.geometry.calibration, [1.5, 1, 3.5])
    assert "no calibration constant for 20100201" in read.warnings[1]
    (tmp_path / "calamp.out").write_text("/x/20100101/s.slc 0\n")
    with pytest.raises(DatasetError, match="constant of 20100101 is not above 0"):
        candidates.read(patch, parameters)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("day.1.in", "20100101 20100101 20100201", "names a day twice: 20100101"),
        ("day.1.in", "20100101 20100220 20100201", "names the master day 20100220"),
        ("bperp.1.in", "1 2", "2 baselines, expected 3"),
        ("bperp.1.in", "1 2 x", r"bperp\.1\.in: could not convert"),
        ("width.txt", "3", "outside the scene of 400 x 3"),
        ("look_angle.1.in", "1 2 3", r"3 numbers, expected 5000 \(50 x 50 nodes x 2 heights\)"),
        ("bperp_20100101.1.in", "0 " * 5000, r"bperp_20100201\.1\.in not found in "),
    ],
)
def test_contradictions_between_doris_files_are_refused(tmp_path, name, text, message):
    patch, parameters = write_doris(tmp_path, scene())
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message):
        candidates.read(patch, parameters)


def header(width, length, scheme, bands, kind):
    values = {
        "WIDTH": width, "length": length, "Scheme": scheme,
        "number_bands": bands, "data_type": kind,
    }  # fmt: skip
    component = '<component name="c"><property name="width"><value>1</value></property></component>'
    return component + "".join(
        f'<property name="{name}"><value>{value}</value></property>'
        for name, value in values.items()
    )


@pytest.mark.parametrize("scheme", ["BIL", "BIP", "BSQ"])
def test_the_first_band_of_an_isce_raster_is_read_in_any_layout(tmp_path, scheme):
    bands = np.arange(24, dtype=np.float32).reshape(2, 3, 4)  # band, line, sample
    layout = {"BIL": (1, 0, 2), "BIP": (1, 2, 0), "BSQ": (0, 1, 2)}[scheme]
    path = tmp_path / "los.raw"
    bands.transpose(layout).tofile(path)
    (tmp_path / "los.raw.xml").write_text(header(4, 3, scheme, 2, "FLOAT"))
    np.testing.assert_array_equal(isce.read_raster(path), bands[0])
    (tmp_path / "los.raw.xml").write_text(header(5, 3, scheme, 2, "FLOAT"))
    with pytest.raises(DatasetError, match=r"96 bytes, expected 120 \(5 x 3 x 2 bands x 4"):
        isce.read_raster(path)
    (tmp_path / "los.raw.xml").write_text(header(5, 3, scheme, 2, "OCTET"))
    with pytest.raises(DatasetError, match="property 'octet' is missing or unknown"):
        isce.read_raster(path)


def test_numbers_beside_the_date_of_a_calibrated_image_are_passed_over(tmp_path):
    patch, parameters = write_doris(tmp_path, scene())
    (tmp_path / "calamp.out").write_text(
        "/x/20100101/slave_00048213.slc 1.5\n/20091231_old/20100301/s_99999999.slc 3.5\n"
        "/x/20100201/a.slc 2\n"
    )
    read = candidates.read(patch, parameters)
    np.testing.assert_array_equal(read.geometry.calibration, [1.5, 2, 3.5])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("width.txt", "inf"), ("len.txt", "nan"), ("len.txt", "1e20"), ("width.txt", "-5"),
        ("width.txt", "12.5"), ("bperp.1.in", "1 nan 3"), ("look_angle.1.in", "inf " * 5000),
        ("bperp_20100101.1.in", "nan " * 5000), ("calamp.out", "/x/20100101/s.slc inf"),
    ],
)  # fmt: skip
def test_numbers_that_are_none_of_an_image_are_refused_by_file(tmp_path, name, text):
    patch, parameters = write_doris(tmp_path, scene())
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=rf"^{tmp_path}/{name.replace('.', '[.]')}: "):
        candidates.read(patch, parameters)


@pytest.mark.parametrize(
    ("name", "value"), [("heading.1.in", "nan"), ("lambda.1.in", "inf"), ("lambda.1.in", "5.546")]
)
def test_a_heading_or_wavelength_that_no_radar_has_is_refused(tmp_path, name, value):
    _, parameters = write_doris(tmp_path, scene())
    (tmp_path / name).write_text(value)
    with pytest.raises(DatasetError, match=name):
        candidates.sensor_parameters(tmp_path, parameters)


@pytest.mark.parametrize(
    ("width", "length", "bands"),
    [(0, 3, 2), (-4, -3, 2), (4, 3, 0), (10**20, 3, 2), ("1" * 3000, 3, 2)],
)
def test_a_raster_of_impossible_size_is_refused(tmp_path, width, length, bands):
    path = tmp_path / "los.raw"
    np.zeros(24, np.float32).tofile(path)
    (tmp_path / "los.raw.xml").write_text(header(width, length, "BIL", bands, "FLOAT"))
    with pytest.raises(DatasetError, match="are not the sizes of a raster") as error:
        isce.read_raster(path)
    assert len(str(error.value)) < 400
