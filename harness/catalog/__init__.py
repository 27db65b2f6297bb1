"""Finds strategies and workloads, and reads them without importing them."""
