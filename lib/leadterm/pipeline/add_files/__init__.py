"""The job add_files: files that a run has not counted yet are counted and added to it."""
