"""Pictures of what the program prints, for the documentation, and what makes them."""
