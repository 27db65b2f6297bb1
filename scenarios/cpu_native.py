"""Some milliseconds of C code that releases the GIL

What services do to bodies and pictures: compress, expand and hash 256 KiB, and make a thumbnail. While zlib, hashlib or
Pillow work, other threads run: so threads scale here, which they do not on `cpu`. On the event loop it blocks
everything else all the same.
"""

import random

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 0
CALLS = 0

# Each request and its only right answer; all strategies must give it.
REQUESTS = [
    [
        "/cpu_native?kib=256&key=1",
        {"key": 1, "result": "70c993367730994cfb20f149f99d0d80c0ecabf79edc0bbec66e8ff934e50760"},
    ],
    [
        "/cpu_native?kib=256&key=2",
        {"key": 2, "result": "2be625a5c4285b8e81d57471e421c2c250bef6f22c3562ff222c7a2050054dff"},
    ],
    [
        "/cpu_native?kib=256&key=3",
        {"key": 3, "result": "8f082e03273e75e8ca53ac73617a2315aa134dd6a5022566dc41bb32511aba86"},
    ],
    [
        "/cpu_native?kib=256&key=4",
        {"key": 4, "result": "239b9f5a56ef6988aa937bec24e9bd15757eda7173a80d8ccd820cebe0e8c873"},
    ],
    [
        "/cpu_native?kib=256&key=5",
        {"key": 5, "result": "ce3a582d689b9b50d28e2324834dbcbff556b05afadb553c20fa772f640f87e4"},
    ],
    [
        "/cpu_native?kib=256&key=6",
        {"key": 6, "result": "8e16cb6346286808a9b9c69bc806162829ca86b6f9bd105206bc0e000a57b108"},
    ],
    [
        "/cpu_native?kib=256&key=7",
        {"key": 7, "result": "dbf075720c963e7c71be21068e924f6937f762dab0b460fa54e45915a61cc18d"},
    ],
    [
        "/cpu_native?kib=256&key=8",
        {"key": 8, "result": "9d726229a188730858abeec7264b764b5f53260cdfc2950c588cf43aec2f16e9"},
    ],
]


class CpuNative(BenchUser):
    @task
    def cpu_native(self) -> None:
        self.ask(*random.choice(REQUESTS))
