"""The machine: what it is, who may use which CPUs, how quiet it is."""
