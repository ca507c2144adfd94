"""What people read of an audit: a line per target, and the keys that are not identical."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .auditing import Audit, AuditReport


def audit_line(audit: "Audit") -> str:
    """Return one line about a target: keys, identical keys, verdict, first failing boundary."""
    name = f"{audit.target.id:24} {audit.run.get('backend', ''):7} {audit.run.get('ranks', '')}"
    if audit.problem or audit.verify is None:
        return f"{name} FAILED: {audit.problem or 'nothing to compare'}"
    keys = audit.verify.keys
    equal = sum(key.difference.max_abs == 0 for key in keys)
    verdict = "ok"
    if audit.verify.failed:
        first = audit.verify.to_json()["summary"]["first_boundary_failure"]
        verdict = f"FAILED at {first['path']}: {first['message']}"
    rest = len(keys) - equal
    seconds = audit.run["wall_sec"]
    return (
        f"{name} {len(keys):4} keys {equal:4} identical {rest:3} within {seconds:6.1f} s {verdict}"
    )


def audit_table(report: "AuditReport") -> str:
    """Return what people read: keys that are not identical, their largest difference and limit."""
    worst: dict[str, tuple[float, str, str]] = {}
    for audit in report.audits:
        for result in audit.verify.keys if audit.verify else ():
            name = f"{result.file.artifact}.{result.key}"
            row = (result.difference.max_abs, result.tolerance, audit.target.id)
            if row[0] > worst.get(name, (0.0, "", ""))[0]:
                worst[name] = row
    lines = [f"{'key':28} {'max |r - g|':>12}  tolerance                worst in"]
    lines += [f"{name:28} {row[0]:12.3g}  {row[1]:24} {row[2]}" for name, row in worst.items()]
    lines += [audit_line(audit) for audit in report.audits]
    lines += [f"{row['target']:24} missing" for row in report.missing]
    lines.append("audit ok" if report.ok else "audit FAILED")
    return "\n".join(lines)
