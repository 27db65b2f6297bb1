"""What may be judged while measuring: the figures of a trial and whether they may be believed. Pure."""
