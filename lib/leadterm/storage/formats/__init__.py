"""The files of a run's products: matrices, windows, small tables, scores."""
