"""What the process trees of a trial cost: CPU, memory, threads and context switches over time."""
