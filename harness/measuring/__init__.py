"""A run: what is checked first, the loop over its trials, one trial, what is measured again."""
