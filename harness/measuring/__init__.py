"""A run: what is checked first, its sessions, the boots and slices of each, what is measured further."""
