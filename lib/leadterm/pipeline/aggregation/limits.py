"""How partial sums are merged: by how many tasks, and how many files each has open."""

MOST_FILES = 128
"""That a task has open at once; of more, this many at a time are first added up, so that neither memory nor open files
grow with the corpus."""
MERGING_TASKS = 2
"""For each that runs at once, so that one with larger blocks does not hold the others up."""
