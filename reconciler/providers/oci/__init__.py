"""Any registry that implements the OCI distribution specification."""
