"""The GitHub Action: inputs from variables; results as outputs, summary and annotations."""
