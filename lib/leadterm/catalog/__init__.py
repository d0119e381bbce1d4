"""The catalogue: each product and each job of leadterm is declared here, once, and looked up here by all others."""
