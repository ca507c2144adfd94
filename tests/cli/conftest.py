"""Running commands inside the test process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from pystamps_hpc import cli


@dataclass
class Ended:
    """What a command left behind; the document is None when stdout stayed empty."""

    code: int
    document: Any
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command; stdout must be empty or one JSON document without NaN."""
    monkeypatch.setattr(cli, "prepare", lambda environ: None)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    def run(*words):
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as leaving:
            code = leaving.code
        out, err = capsys.readouterr()
        document = json.loads(out, parse_constant=refuse) if out else None
        if out:
            assert out == json.dumps(document, indent=2) + "\n"
        return Ended(code, document, out, err)

    return run


@pytest.fixture
def finished(command, stubs, tree, monkeypatch):
    """A dataset of stub artifacts, all stages done; no pictures are drawn."""
    monkeypatch.setattr("pystamps_hpc.tools.run_products.make_products", lambda report, team: None)
    assert command("run", "--dataset", tree).code == 0
    stubs.calls.clear()
    return tree
