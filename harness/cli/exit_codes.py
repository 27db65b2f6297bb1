"""What `bench` says with its exit code; 0: all is well, noise included."""

from __future__ import annotations

EXIT_GATE = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130
