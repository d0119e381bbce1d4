"""A corpus as Spark tasks read it: its files or table, inspected, filtered, and unchanged until the end."""
