"""Starts, watches, checks and ends the servers that are measured."""
