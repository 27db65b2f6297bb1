"""The vocabulary on disk: one noun a module. Imports nothing else of the harness."""
