"""The job count_cooccurrences: windows become the bigram and context matrices and both frequency vectors."""
