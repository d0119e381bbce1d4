"""The job compose_adam_weights: the scores of attention under another optimizer than gradient descent."""
