"""How much memory may still be used here."""

from __future__ import annotations

import psutil

from harness.machine import cgroup


def free_memory_bytes() -> int:
    """What the machine has left without swapping, or a control group allows, whichever is less."""
    available: int = psutil.virtual_memory().available
    left = cgroup.memory_left_bytes()
    return available if left is None else min(available, left)
