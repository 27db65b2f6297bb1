"""What other load generators made of the same servers: how fast each is, and whether both find the same capacity."""

from __future__ import annotations

from msgspec import Struct

OURS, FAST_HTTP_USER, HTTP_USER, WRK = "ours", "FastHttpUser", "HttpUser", "wrk"  # the generators, as they are shown


class Speed(Struct, frozen=True, kw_only=True):
    """Requests a second that one generator on one core got out of the fast server: the median of its slices."""

    generator: str
    rps: float
    slices_rps: tuple[float, ...]


class CrossCheck(Struct, frozen=True, kw_only=True):
    """The same route of the same server, asked by ours and by another generator in alternating slices.

    `interval`: of the ratio; None with too few pairs for one. `passed` None: not judged, for the reason in `why_not`;
    a calibration neither fails nor passes by it."""

    other: str
    route: str
    ours_rps: float
    other_rps: float
    ratio: float  # ours / other, the median over pairs of slices
    ratios: tuple[float, ...]
    interval: tuple[float, float] | None = None
    generator_cores: float  # the CPU that ours used; near 1, it measured itself
    server_cores: float  # ... and the server meanwhile; well below 1, something else was the limit
    other_generator_cores: float
    other_server_cores: float
    passed: bool | None
    why_not: str = ""
    connections: int = 32  # of those from before it was stored

    @property
    def difference(self) -> str:
        """In words: the median over the pairs, and its interval."""
        middle = f"{(self.ratio - 1) * 100:+.1f} %"
        if self.interval is None:
            return middle
        low, high = ((bound - 1) * 100 for bound in self.interval)
        return f"{middle} ({low:+.1f} to {high:+.1f} %)"
