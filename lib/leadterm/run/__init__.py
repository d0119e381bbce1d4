"""What readers of a finished run use: its tables and matrices, its operators, and the weights that it predicts."""
