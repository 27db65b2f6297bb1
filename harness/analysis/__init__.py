"""Judging what was measured: pure functions over records; nothing here measures, prints or draws."""
