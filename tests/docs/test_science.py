"""What docstrings cite is there: pages of docs/science and their sections."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCIENCE = ROOT / "docs" / "science"
FOLDERS = ("kernels", "pystamps_hpc", "tests", "benchmarks")
CITED = re.compile(r"docs/science/(\w+\.md)(?:, ([A-Z][\w -]*\w))?")


def _citations():
    """Return (file, page, section or '') of all citations; one may go over the end of a line."""
    found = []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = re.sub(r"\s+(# )?", " ", file.read_text(encoding="utf-8"))
            name = file.relative_to(ROOT).as_posix()
            found += [(name, page, section) for page, section in CITED.findall(text)]
    return found


CITATIONS = _citations()


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CITATIONS}))
def test_a_cited_page_and_section_exist(name):
    for _, page, section in [citation for citation in CITATIONS if citation[0] == name]:
        assert (SCIENCE / page).exists(), page
        headings = re.findall(r"^## (.*)$", (SCIENCE / page).read_text(), re.MULTILINE)
        assert not section or section in headings, f"{page}, {section}"


def test_every_page_of_the_science_is_cited():
    assert {page for _, page, _ in CITATIONS} == {page.name for page in SCIENCE.glob("*.md")}
