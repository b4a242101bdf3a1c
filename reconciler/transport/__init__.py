"""HTTP clients: credentials, limits, retries, pagination and the manifest cache."""
