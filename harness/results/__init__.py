"""What is on disk: the records, where they lie, and how they are read."""
