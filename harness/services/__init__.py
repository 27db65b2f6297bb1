"""What the targets depend on while they are measured: real servers of ours, each a process of its own."""
