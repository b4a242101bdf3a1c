"""The GitHub Action: reads inputs from variables; writes outputs, summary and annotations."""
