"""One file, one strategy: plain FastAPI applications that do the same work in different ways."""
