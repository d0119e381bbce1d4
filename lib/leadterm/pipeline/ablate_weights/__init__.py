"""The job ablate_weights: the loss of the trained model without its leading terms."""
