"""What runs inside a target's process. Only the standard library, Python 3.9 to 3.14, and nothing else of ours.

The target finds it as `bench_inside`, with the folder above on its PYTHONPATH; the harness, which reads what it writes,
as `harness.inside.bench_inside`. So its modules import each other by relative imports.
"""
