"""Reports as one HTML file that needs nothing else: the page all share, and what goes into it."""
