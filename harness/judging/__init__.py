"""What may be judged while measuring: the figures of a slice and whether they may be believed. Pure."""
