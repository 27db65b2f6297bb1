"""One file, one workload: plain locustfiles."""
