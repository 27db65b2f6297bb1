"""Processes read through psutil, where there is no /proc (macOS).

Such a system does not count children that have exited (psutil's `children_user` is 0), so a tree's CPU time misses what
a process used between its last sample and its end. There is no PSS, and context switches are counted per process."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from harness.sampling.process_tree import Reading


class PortableSource:
    """Any system that psutil knows. Processes are looked up again each time. Keeping psutil's objects would save
    nothing: to find out whether a PID was reused psutil looks it up, too."""

    slack_s = 0.02

    def descendants(self, root: int) -> list[int]:
        try:
            children = psutil.Process(root).children(recursive=True)  # expensive: reads every process's parent
        except psutil.NoSuchProcess:
            return []
        return [root, *(child.pid for child in children)]

    def read(self, pid: int) -> Reading | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                return Reading(
                    started=process.create_time(),
                    cpu_s=times.user + times.system + times.children_user + times.children_system,
                    rss_bytes=process.memory_info().rss,
                    threads=process.num_threads(),
                )
        except psutil.NoSuchProcess:  # a zombie, too, where a zombie cannot be read
            return None

    def switches(self, pid: int) -> Mapping[int, tuple[int, int]]:
        try:
            counts = psutil.Process(pid).num_ctx_switches()
        except psutil.NoSuchProcess:
            return {}
        return {pid: (counts.voluntary, counts.involuntary)}

    def pss_bytes(self, pid: int) -> int | None:
        return None
