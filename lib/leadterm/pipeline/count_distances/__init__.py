"""The job count_distances: windows become counts of pairs of tokens at exact distances."""
