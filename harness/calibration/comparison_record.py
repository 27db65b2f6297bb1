"""Other load generators on the same servers: how fast each is, and whether two find the same capacity."""

from __future__ import annotations

from msgspec import Struct

OURS, FAST_HTTP_USER, HTTP_USER, WRK = "ours", "FastHttpUser", "HttpUser", "wrk"  # the generators, as they are shown


class Speed(Struct, frozen=True, kw_only=True):
    """Requests per second that the fast server answered to one generator on one core: the median of its turns."""

    generator: str
    rps: float
    slices_rps: tuple[float, ...]


class CrossCheck(Struct, frozen=True, kw_only=True):
    """The same route of the same server under our generator and under another one, in turns.

    `interval` is that of the ratio; None: there are too few pairs for one. `passed` None: not judged, for the reason in
    `why_not`. It never makes a calibration pass or fail.
    """

    other: str
    route: str
    ours_rps: float
    other_rps: float
    ratio: float  # ours / other, the median over pairs of turns
    ratios: tuple[float, ...]
    interval: tuple[float, float] | None = None
    generator_cores: float  # the CPU that ours used; near 1, ours was the limit
    server_cores: float  # the server's meanwhile; well below 1, something else was the limit
    other_generator_cores: float
    other_server_cores: float
    passed: bool | None
    why_not: str = ""
    connections: int = 32  # the default is for records from before it was stored

    @property
    def difference(self) -> str:
        """In words: the median over the pairs, and its interval."""
        middle = f"{(self.ratio - 1) * 100:+.1f} %"
        if self.interval is None:
            return middle
        low, high = ((bound - 1) * 100 for bound in self.interval)
        return f"{middle} ({low:+.1f} to {high:+.1f} %)"
