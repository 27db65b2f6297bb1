"""Proves the instrument on this machine: `bench calibrate`."""
