"""What runs inside a target's process. Only the standard library, Python 3.9 to 3.14, and nothing else of ours."""
