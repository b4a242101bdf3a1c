"""GitHub Container Registry: versions through the REST API, documents through the registry API."""
