"""The pipeline: which task runs, what it reads and publishes, and the report of a run."""
