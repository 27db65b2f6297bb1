"""The exit codes of `bench`. 0: all is well; noise is not an error."""

from __future__ import annotations

EXIT_GATE = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3  # a strategy failed, answered wrongly or has no valid data, or nothing more could be measured
EXIT_INTERRUPTED = 130
