"""What Reconciler promises, one folder per way of proving it (see CONTRIBUTING)."""
