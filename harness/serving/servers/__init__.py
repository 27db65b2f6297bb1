"""One file, one ASGI server. Found here by the file's name, which is what a strategy's `SERVER` says."""
