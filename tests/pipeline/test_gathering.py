"""A thousand ranks do not open the files of a thousand patches each."""

from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline import execute
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext

from .runs import QUICK


class Root(SerialTeam):
    """A team of one that knows whether it works for all."""

    for_all = False

    def on_root(self, fn):
        """See Team."""
        self.for_all = True
        try:
            return fn()
        finally:
            self.for_all = False


def test_one_rank_reads_the_patches_of_a_merge_for_all(stubs, tree, monkeypatch):
    team, seen, find = Root(), [], execute.find_inputs

    def watched(cls, directory, *rest):
        seen.append((directory.name, any(name == "patches" for name in cls.__annotations__),
                     team.for_all))  # fmt: skip
        return find(cls, directory, *rest)

    monkeypatch.setattr(execute, "find_inputs", watched)
    report = run_pipeline(PipelineContext(tree, QUICK), team=team)
    assert report.ok
    assert {for_all for _, gathers, for_all in seen if gathers} == {True}
    assert {for_all for _, gathers, for_all in seen if not gathers} == {False}
