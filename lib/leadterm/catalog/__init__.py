"""The catalogue: each product and each job of leadterm is declared here, once; everything else reads it."""
