"""Stacks of ISCE and DORIS: what their files say, and what in them is refused."""

import pytest

from pystamps_hpc.dataset.slc_stack import read_stack, require_sound
from pystamps_hpc.errors import DatasetError
from tests.slc_stacks import DATES, MASTER, write_doris_stack, write_isce_stack

OTHERS = [date for date in DATES if date != MASTER]
WRITERS = {"isce": write_isce_stack, "doris": write_doris_stack}


@pytest.mark.parametrize("processor", WRITERS)
def test_a_stack_is_recognised_and_sound(tmp_path, processor):
    WRITERS[processor](tmp_path)
    stack = read_stack("auto", tmp_path, MASTER)
    require_sound(stack, None)
    assert stack.processor == processor
    assert (stack.length, stack.width, stack.dates) == (24, 31, (MASTER, *OTHERS))
    assert stack.texts["day.1.in"].split() == OTHERS


def changed(root, file, old, new):
    path = root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_lines_of_master_res_without_a_name_are_passed_over(tmp_path):
    write_doris_stack(tmp_path)
    changed(tmp_path, "master.res", "Data_output_file:", ": \n  :7\nData_output_file:")
    assert read_stack("doris", tmp_path).width == 31


@pytest.mark.parametrize(
    ("processor", "file", "old", "new", "told"),
    [
        ("doris", "master.res", "_crop.slc", "_gone.slc", "20160420_gone.slc: cannot be read"),
        ("doris", "master.res", "First_line", "Line", "no entry First_line"),
        ("doris", "master.res", "1024", "x", "could not convert"),
        ("doris", "20160208/interferogram.out", "Bperp", "B", "no line 'Bperp"),
        ("doris", "20160701/step_coarse.log", "20.10", "20,10", "holds a value that is no number"),
        ("isce", "20160208/baseline", " -50.25", "", "expected one line: yyyymmdd"),
        ("isce", "20160208/baseline", "20160208", "20160209", "is of 20160208, of which there is"),
        ("isce", "width.txt", "31", "30", "expected 5,760"),
        ("isce", "reference/baseline", "20160420", "x", "give --master-date"),
    ],
)
def test_what_contradicts_is_named(tmp_path, processor, file, old, new, told):
    WRITERS[processor](tmp_path)
    changed(tmp_path, file, old, new)
    with pytest.raises(DatasetError, match=told):
        require_sound(read_stack(processor, tmp_path), None)
