"""The page of the docs that says how far this program agrees with StaMPS, from the evidence."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def parity_page(evidence: Mapping[str, Any] | None) -> str:
    """Return the parity page in Markdown.

    Parameters
    ----------
    evidence : mapping or None
        The recorded audit report; None when no audit was recorded.
    """
    return "\n".join(_lines(evidence)) + "\n"


def _lines(evidence: Mapping[str, Any] | None) -> Iterator[str]:
    yield "# Agreement with StaMPS"
    yield ""
    yield "What `pystamps-hpc audit` found when it was last recorded (`audit --record`): stages run"
    yield "on fresh copies of golden data, every key of every artifact compared."
    yield ""
    if evidence is None:
        yield "No audit is recorded: nothing is claimed."
        return
    oracle, code = evidence["oracle"], evidence["code"]
    upstream, execution = oracle["upstream"], oracle["execution"]
    yield f"- recorded {evidence['generated_utc']} at commit `{code['commit']}`, version"
    yield f"  {code['version']}"
    yield f"- reference: {upstream['repository']} at `{upstream['revision'][:12]}` under"
    yield f"  {execution['interpreter']}, {execution['unwrapping']}, {execution['triangulation']}"
    yield ""
    yield "## Workflows"
    yield ""
    yield "| Workflow | Golden data of | Stages | Ranks | Keys | Identical | Within tolerance | |"
    yield "|---|---|---|---|---|---|---|---|"
    for audit in evidence["audits"]:
        run = audit["run"]
        keys = sum(scope["keys"] for scope in audit["scopes"])
        same = sum(scope["identical"] for scope in audit["scopes"])
        made_by = {"stamps": "StaMPS", "regression": "this program"}[audit["oracle"]]
        window = f"{run['start_step']}-{run['end_step']}"
        how = ", each stage on golden inputs" if audit["isolated"] else ""
        verdict = "ok" if audit["ok"] else "FAILED"
        yield (
            f"| `{audit['target']}` | {made_by} | {window}{how} | {run['ranks']} | {keys}"
            f" | {same} | {keys - same} | {verdict} |"
        )
    yield ""
    yield "## Keys that are not identical"
    yield ""
    yield "Largest difference over all workflows on StaMPS' data; every other key is equal in every"
    yield "element."
    yield ""
    on_stamps = [audit for audit in evidence["audits"] if audit["oracle"] == "stamps"]
    yield "| Key | Largest difference | Tolerance | Workflow |"
    yield "|---|---|---|---|"
    for key, (largest, tolerance, target) in largest_differences(on_stamps).items():
        limit = tolerance.replace("|", "\\|")
        yield f"| `{key}` | {largest:.2g} | {limit} | `{target}` |"


def largest_differences(
    audits: Iterable[Mapping[str, Any]],
) -> dict[str, tuple[float, str, str]]:
    """Return of each key that is not identical everywhere: difference, tolerance, target."""
    worst: dict[str, tuple[float, str, str]] = {}
    for audit in audits:
        for row in (audit["verify"] or {}).get("tolerated", ()):
            if row["max_abs"] is None:  # recorded only
                continue
            artifact = row["path"].rpartition("/")[2].removesuffix(".mat")
            key = f"{artifact}.{row['key']}"
            found = (row["max_abs"], row["tolerance"], audit["target"])
            worst[key] = max(worst.get(key, found), found)
    return worst
