"""What a configuration leaves open is decided, and checked, before work starts."""

import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.errors import ToolMissingError
from pystamps_hpc.pipeline import choices
from pystamps_hpc.pipeline.choices import program_of, require_tools, resolve_choices
from pystamps_hpc.pipeline.table import task

NETWORK = [task(4, "patch", "ps").spec, task(7, "merged", "ps").spec]
UNWRAPPING = [task(6, "merged", "ps").spec]


@pytest.fixture
def bare(monkeypatch):
    """A machine without SNAPHU and Triangle."""
    monkeypatch.setattr(choices, "find_spec", lambda name: None)
    return RunConfig().with_values({"tools.snaphu": "no-such"})


def test_what_is_not_installed_is_not_chosen(bare):
    runtime = resolve_choices(bare).runtime
    assert (runtime.stage6_solver, runtime.triangulator) == ("native", "native")
    require_tools(resolve_choices(bare), [*NETWORK, *UNWRAPPING], "ps")
    assert [program_of(spec, resolve_choices(bare)) for spec in UNWRAPPING] == [""]


def test_an_explicit_wish_for_a_missing_program_is_refused(bare):
    asked = {"runtime.triangulator": "triangle", "runtime.stage6_solver": "snaphu"}
    wish = resolve_choices(bare.with_values(asked))
    with pytest.raises(ToolMissingError, match=r"'triangle' not found .needed by stages 4 and 7"):
        require_tools(wish, NETWORK, "ps")
    with pytest.raises(ToolMissingError, match=r"'no-such' not found .needed by stage 6.*unwrap"):
        require_tools(wish, UNWRAPPING, "ps")


def test_only_stages_that_use_a_program_ask_for_it(bare):
    wish = bare.with_values({"runtime.triangulator": "triangle", "runtime.stage6_solver": "snaphu"})
    specs = [task(n, "patch", "ps").spec for n in (1, 2, 3, 5)]
    require_tools(resolve_choices(wish), specs, "ps")
