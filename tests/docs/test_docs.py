"""The documentation says what the program does: generated pages, commands and links."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from pystamps_hpc.cli.commands.plot import _PICTURES
from pystamps_hpc.cli.parser import build_parser
from pystamps_hpc.config import OPTIONS, parse_config
from pystamps_hpc.dataset.parameter_table import TABLE
from pystamps_hpc.dataset.schema import ARTIFACTS
from pystamps_hpc.errors import ConfigError
from pystamps_hpc.pipeline.table import tasks
from pystamps_hpc.stages.shared.value_types import value_type
from pystamps_hpc.tools.export import format_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
HAND_WRITTEN = [page for page in PAGES if "made by docs/generate.py" not in page.read_text()]


sys.path.insert(0, str(ROOT / "docs"))
GENERATOR = importlib.import_module("generate")


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def _commands():
    """Return the arguments of every pystamps-hpc command in the shell blocks of the pages."""
    found = []
    for page in PAGES:
        for block in _blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "pystamps-hpc" in words:
                    words = words[words.index("pystamps-hpc") + 1 :]
                    found.append(pytest.param(words, id=f"{_name(page)}: {' '.join(words)}"))
    return found


@pytest.mark.parametrize("name", GENERATOR.GENERATED)
def test_a_generated_page_is_what_the_code_says(name):
    page = ROOT / "docs" / name
    assert page.exists(), f"docs/{name} is missing: run make docs"
    assert page.read_text() == GENERATOR.page(name), f"docs/{name} is out of date: run make docs"


def test_an_outdated_page_is_named_and_written_again(tmp_path, monkeypatch, capsys):
    page = tmp_path / "reference" / "parameters.md"
    monkeypatch.setattr(GENERATOR, "DOCS", tmp_path)
    monkeypatch.setattr(GENERATOR, "GENERATED", {"reference/parameters.md": GENERATOR.parameters})
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert GENERATOR.main() == 1
    assert "reference/parameters.md is out of date" in capsys.readouterr().out
    assert not page.exists()
    monkeypatch.setattr("sys.argv", ["generate.py"])
    assert GENERATOR.main() == 0
    assert page.read_text() == GENERATOR.page("reference/parameters.md")
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert GENERATOR.main() == 0


def test_c016_stage_guide_covers_every_task_with_inputs_outputs_and_parameters():
    guide = (ROOT / "docs" / "stage-guide.md").read_text()
    sections = guide.split("\n## ")[1:]
    rows = [row for mode in ("ps", "sb") for row in tasks(mode)]
    assert len({row.spec for row in rows}) == len(sections) == 12
    by_heading = {section.partition("\n")[0]: section for section in sections}
    for row in rows:
        merge = ", merge" if row.gathers else ""
        own = ", small baselines" if row.spec.modes == ("sb",) else ""
        section = by_heading[f"Stage {row.spec.number}{merge}{own}"]
        outputs = section.partition(": Writes\n")[2].partition("\n### ")[0]
        assert f"`{row.spec.marker}.mat`" in section
        for artifact in row.bundle:
            assert f"`{artifact}." in outputs
        for parameter in row.parameters:
            assert f"| `{parameter}` |" in section
        for key in row.spec.config:
            assert f"`{key}`" in section
        assert "](../pystamps_hpc/stages/" in section


def test_every_configuration_key_is_documented_with_its_meaning():
    page = (ROOT / "docs" / "reference" / "config.md").read_text()
    for path in OPTIONS:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{path}` |")]
        _, default, allowed, meaning = [cell.strip() for cell in line.strip("|").split(" | ")]
        assert all((default, allowed, meaning)), line


def test_every_artifact_has_a_section():
    page = (ROOT / "docs" / "reference" / "artifacts.md").read_text()
    assert re.findall(r"^## (\w+)\.mat$", page, re.MULTILINE) == list(ARTIFACTS)


@pytest.mark.parametrize("words", _commands())
def test_a_documented_command_is_accepted_by_the_parser(words):
    assert build_parser().parse_args(words).command


def test_every_habit_has_a_command_that_the_parser_accepts_and_parameters_that_exist():
    page = (ROOT / "docs" / "from-matlab.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) >= 15
    for habit, here in rows:
        words = shlex.split(here.strip().strip("`"))
        assert build_parser().parse_args(words[words.index("pystamps-hpc") + 1 :]).command
        for name in re.findall(r"etparm\('(\w+)'", habit):
            assert any(known.startswith(name) for known in TABLE), habit
    told = " ".join(habit for habit, _ in rows)
    for name in ("stamps(1,8)", "setparm(", "getparm(", "ps_info", "ps_plot(", "stamps(6,6)"):
        assert name in told


def _is_type(name, small_baselines):
    try:
        return value_type(name, small_baselines)
    except ConfigError:
        return None


def test_every_command_of_stamps_that_plots_or_exports_has_one_here():
    page = (ROOT / "docs" / "from-ps-plot.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if "pystamps-hpc" in row[1]]
    for stamps, here in rows:
        words = shlex.split(here.strip().strip("`"))
        known = build_parser().parse_args(words[1:])
        typed = re.search(r"ps_plot\('([\w-]+)'", stamps)
        if known.command in ("plot", "values"):
            shown = getattr(known, "picture", None) or known.type
            if shown not in _PICTURES:
                assert any(_is_type(shown, pairs) for pairs in (False, True)), here
                assert typed is None or shown == typed[1], stamps
        if known.command == "export":
            format_of(known.format)
    told = " ".join(stamps for stamps, _ in rows)
    bases = {match[1] for match in re.finditer(r"ps_plot\('(\w+)", told)}
    assert bases >= {"w", "u", "usb", "rsb", "v", "V", "vs", "vdrop", "d", "m", "o", "s", "hgt"}
    for name in ("'ts'", "ps_info", "sb_info", "ps_baselines", "plot_sb_baselines", "ps_output",
                 "ps_gescatter", "ps_shapefile", "plot_v.gmt", "stamps_export"):  # fmt: skip
        assert name in told


def test_the_readme_shows_commands():
    assert sum("README.md" in param.id for param in _commands()) >= 8


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_documented_configuration_is_valid(page):
    for block in _blocks(page, "yaml"):
        parse_config(yaml.safe_load(block))


def _anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{_name(page)}: {link}"
        assert target.is_relative_to(ROOT), f"{_name(page)}: {link}"
        assert not anchor or anchor in _anchors(target), f"{_name(page)}: {link}"


def test_every_page_can_be_reached_from_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for link in re.findall(r"\]\(([^)\s]+)\)", index.read_text())
    }
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - linked == {index}


def test_the_picture_of_the_readme_is_small():
    assert (ROOT / "docs" / "velocity.png").stat().st_size <= 400_000


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=_name)
def test_a_documented_parameter_exists(page):
    """Words in typewriter that look like a parameter of the table are one, or are explained."""
    prefixes = ("unwrap_", "weed_", "scla_", "scn_", "clap_", "merge_", "gamma_", "select_", "ref_")
    known = {*TABLE, *ARTIFACTS, *(key for item in ARTIFACTS.values() for key in item.keys)}
    for word in re.findall(r"`([a-z_0-9]+)`", page.read_text()):
        if word.startswith(prefixes):
            assert word in known, f"{_name(page)}: {word}"


def test_the_exit_codes_of_the_readme_are_those_of_the_program():
    from pystamps_hpc.errors import Exit

    table = (ROOT / "README.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(str(code.value), code.meaning) for code in Exit]
