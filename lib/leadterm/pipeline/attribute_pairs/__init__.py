"""The job attribute_pairs: for many pairs at once, the documents behind their entries of a count matrix."""
