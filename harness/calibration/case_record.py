"""What was compared under one law of the truth server: percentiles, counts, and what went wrong meanwhile."""

from __future__ import annotations

import statistics
from typing import Annotated

from msgspec import Meta, Struct


class QuantileError(Struct, frozen=True, kw_only=True):
    """One percentile of one law.

    `law_ms`: by arithmetic. `did_ms`: what the server did, by its own clock, to exactly the requests that we sent. It
    and `ours_ms`, what we measured, are medians over the rounds. `errors_ms`: ours - did of each round, in order.
    `uncertainty_ms` covers bias and scatter of these errors (`accuracy.bound_ms`); None: there are too few rounds.
    `allowed_ms`: a larger error is a failure; None: not judged.
    """

    percent: float
    law_ms: float
    did_ms: float
    ours_ms: float
    stock_ms: float | None
    errors_ms: Annotated[tuple[float, ...], Meta(min_length=1)]
    uncertainty_ms: float | None = None
    allowed_ms: float | None

    @property
    def error_ms(self) -> float:
        """The median over the rounds, so that one disturbed round does not make it a failure."""
        return statistics.median(self.errors_ms)

    @property
    def passed(self) -> bool:
        return self.allowed_ms is None or abs(self.error_ms) <= self.allowed_ms


class Count(Struct, frozen=True, kw_only=True):
    """How many requests had one outcome: the server's count and the generators'. `stock_truth` is the server's count
    for the requests of stock Locust."""

    what: str
    truth: int
    ours: int
    stock_truth: int | None = None
    stock: int | None = None

    @property
    def passed(self) -> bool:
        return self.truth == self.ours


class FromSend(Struct, frozen=True, kw_only=True):
    """The same requests, measured from the send. Above `most_ms` the law cannot reveal an instrument that counts from
    the send (coordinated omission), so its figure proves nothing."""

    percent: float
    service_ms: float
    most_ms: float

    @property
    def passed(self) -> bool:
        return self.service_ms <= self.most_ms


class Case(Struct, frozen=True, kw_only=True):
    """One law at one rate: everything that was compared under it. `error`: what ended it early, one line; what was
    measured before that is kept."""

    law: str
    title: str
    rate_rps: float
    figures: tuple[QuantileError, ...] = ()
    counts: tuple[Count, ...] = ()
    from_send: FromSend | None = None
    note: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        return f"{self.law} at {self.rate_rps:g}/s"

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One line each."""
        figures = [
            f"{self.name}: p{one.percent:g} {one.error_ms:+.2f} ms, allowed {one.allowed_ms:.2f} ms"
            for one in self.figures
            if one.allowed_ms is not None and not one.passed
        ]
        unseen = (
            [
                f"{self.name}: p{sent.percent:g} {sent.service_ms:.0f} ms from the send, allowed {sent.most_ms:.0f} "
                "ms; so this freeze cannot reveal an instrument that counts from the send"
            ]
            if (sent := self.from_send) is not None and not sent.passed
            else []
        )
        counts = [
            f"{self.name}: {one.what}: {one.ours} counted, {one.truth} happened"
            for one in self.counts
            if not one.passed
        ]
        return (*figures, *unseen, *counts, *([f"{self.name}: {self.error}"] if self.error else []))
