"""The load: the harness's side of the load generator; what runs inside Locust's process is in `inside/`."""
