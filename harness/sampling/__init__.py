"""What the process trees of a run cost: CPU, memory, threads and context switches over time."""
