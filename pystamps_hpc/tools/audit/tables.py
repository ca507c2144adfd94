"""What people read of an audit while it goes on: a line per target."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .auditing import Audit


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
