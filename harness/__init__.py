"""The measuring harness: plan, serve, drive, sample, record; then, from disk alone, analyse and report."""
