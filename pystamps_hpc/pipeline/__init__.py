"""The pipeline: which task runs, what it reads and publishes, and the report of a run."""

LAST_STAGE = 8
"""Number of the last stage in the table, for who must not import the stages yet."""
