"""Reading a finished run: its tables and matrices, its operators, and the weights that it predicts."""
