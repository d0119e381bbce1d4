"""How products appear: put together in a hidden folder, by one job at a time, and then whole or not at all."""
