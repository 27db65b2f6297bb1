"""Other Pythons of this machine: found, asked what they are, and given an environment that targets can run in."""
