"""What goes wrong in a way that a person can fix: one line, and an exit code."""

from __future__ import annotations


class HarnessError(Exception):
    """Something a person can fix; `str()` is one line that names the key, its value and what to do. Exit code 3."""


class UsageError(HarnessError):
    """A wrong command line, profile, strategy or workload file: exit code 2."""
