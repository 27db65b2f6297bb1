"""The universal scalability law: capacity by size.

    X(N) = rate N / (1 + sigma (N - 1) + kappa N (N - 1))

N. J. Gunther, "Guerrilla Capacity Planning" (Springer 2007): `sigma` is the share of the work that is done one at a
time (contention), `kappa` what each pair costs to keep coherent; with kappa 0 it is Amdahl's law. The capacity is
largest at N = sqrt((1 - sigma) / kappa).
"""

from __future__ import annotations

from msgspec import Struct

from harness.judging.estimate import Estimate


class ScalabilityLaw(Struct, frozen=True, tag=True):
    """`rate_rps`: of a size of one. `peak`: the size with the largest capacity; None: as far as these sizes tell, it
    may grow without end."""

    rate_rps: float
    sigma: Estimate
    kappa: Estimate
    peak: Estimate | None

    def capacity_rps(self, size: float) -> float:
        sigma, kappa = self.sigma.value, self.kappa.value
        return self.rate_rps * size / (1 + sigma * (size - 1) + kappa * size * (size - 1))


class NoLaw(Struct, frozen=True, tag=True):
    """Why there is none."""

    reason: str
