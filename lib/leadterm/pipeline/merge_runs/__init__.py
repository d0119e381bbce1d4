"""The job merge_runs: runs over different files become the run over all of them."""
