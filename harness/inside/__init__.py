"""The folder that is put on a target's PYTHONPATH; `bench_inside` is the package in it."""
