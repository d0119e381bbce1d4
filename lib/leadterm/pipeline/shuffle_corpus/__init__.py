"""The job shuffle_corpus: the windows of a run with their tokens in random order, as a run of its own."""
