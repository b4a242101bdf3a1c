"""Reports of figures and tables: each is put together once, as a value, and printed as wanted."""
