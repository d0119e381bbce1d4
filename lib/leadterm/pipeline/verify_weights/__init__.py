"""The job verify_weights: the theory's model trained on a run, and its weights compared with the predicted ones."""
