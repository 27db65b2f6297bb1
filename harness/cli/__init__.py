"""The `bench` command: one file a command, and what they share."""
