"""What runs in Locust's process: the client, the arrivals, the recorder, and the plugin that ties them to Locust.

May import `locust`, `gevent`, `harness.results.records` and `harness.driving.load`, and nothing else of the harness.
"""
