"""The StaMPS dataset directory: tree, artifacts, parameters, candidate files, publication, lock."""
