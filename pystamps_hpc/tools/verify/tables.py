"""What people read of a verification: a line per task, the worst offenders and their places."""

from .report import KeyResult, VerifyReport, boundary


def table(report: VerifyReport) -> str:
    """Return what people read: per task the keys, the worst offender and where it is."""
    lines = []
    tasks: dict[str, list[KeyResult]] = {}
    for result in report.keys:
        tasks.setdefault(result.file.failure_class, []).append(result)
    for name, results in tasks.items():
        bad = [result for result in results if not result.difference.ok]
        equal = sum(result.difference.max_abs == 0 for result in results)
        verdict = f"{len(bad)} FAILED" if bad else "ok"
        lines.append(f"{name:15} {len(results):4} keys  {equal:4} identical  {verdict}")
    for row in sorted(report.failed, key=boundary):
        lines.append(f"FAILED {row['path']}: {row['message']}")
    for row in report.overlap:
        lines.append(
            f"{row['directory']}: {row['common']} common {row['rows']} of {row['golden']} golden"
            f" and {row['run']} of the run"
        )
    what = f"{report.checked} files, {len(report.keys)} keys"
    if report.ok:
        lines.append(f"verified ({report.profile}): {what}, {len(report.tolerated)} not identical")
    else:
        lines.append(f"not verified ({report.profile}): {what}, {len(report.failed)} files failed")
    return "\n".join(lines)
