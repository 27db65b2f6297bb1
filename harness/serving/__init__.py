"""Starts, watches, checks and surely ends the servers that are measured."""
