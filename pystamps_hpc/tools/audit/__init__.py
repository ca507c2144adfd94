"""Audit: the workflows of a manifest, run on fresh copies of golden data and verified."""

from .audit import AuditReport, audit_table, audit_targets
from .manifest import Target, load_manifest, locate, tree_digest
from .oracle import load_evidence, load_oracle, record_evidence

__all__ = [
    "AuditReport",
    "Target",
    "audit_table",
    "audit_targets",
    "load_evidence",
    "load_manifest",
    "load_oracle",
    "locate",
    "record_evidence",
    "tree_digest",
]
