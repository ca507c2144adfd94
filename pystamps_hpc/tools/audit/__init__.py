"""Audit: the workflows of a manifest, run on fresh copies of golden data and verified."""

from .auditing import AuditReport, audit_targets
from .manifest import Target, load_manifest, locate, tree_digest
from .oracle import load_evidence, load_oracle, record_evidence
from .page import parity_page

__all__ = [
    "AuditReport",
    "Target",
    "audit_targets",
    "load_evidence",
    "load_manifest",
    "load_oracle",
    "locate",
    "parity_page",
    "record_evidence",
    "tree_digest",
]
