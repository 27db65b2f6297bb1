"""Where users come between requests: each leaves with the next ticket, in the order the tickets fell due.

Closed loop: a user that comes back gets a ticket at once. Open loop: a ticket falls due at its intended start and
goes to the user that has been idle for the shortest time (its connection is warm, so no more connections are opened
than requests are really in flight); when all users are busy it waits, first come first served, and its response time
grows while it waits. Nothing is skipped.

The users of a closed loop come one after the other, like those of a ramp in Locust or k6, and all are there long before
counting begins. If they came at once, the first of several workers to wake would accept all their connections: of 32
slices of uvicorn with two workers, three then had one worker idle, and the standard deviation was 30 %.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

import gevent
from gevent import getcurrent
from gevent.hub import get_hub

from harness.driving.inside.phase import Phase, Ticket

RAMP_S = 0.05  # half of the shortest warm-up


class Gate:
    def __init__(self) -> None:
        self._parked: list[Any] = []
        self._closed_loop: Phase | None = None
        self._let_out = 0  # users of the closed loop that are under way
        self._due: deque[Ticket] = deque()
        self.current: Phase | None = None

    @property
    def parked_users(self) -> int:
        return len(self._parked)

    def take(self) -> Ticket:
        """The calling user's next ticket; blocks until there is one."""
        phase = self._closed_loop
        if phase is not None:
            if self._let_out <= phase.users:
                phase.scheduled += 1
                return Ticket(phase, monotonic())
            self._let_out -= 1
        if self._due:
            return self._due.popleft()
        me = getcurrent()
        self._parked.append(me)
        try:
            ticket: Ticket = get_hub().switch()
        except BaseException:  # it was killed while it waited: nobody must wake it
            if me in self._parked:
                self._parked.remove(me)
            raise
        return ticket

    def open_closed_loop(self, phase: Phase) -> None:
        """Let users out until `phase.spec.users` are under way; those of the phase before go on without a pause."""
        if self._closed_loop is None:
            self._let_out = 0
        self._closed_loop = self.current = phase
        gevent.spawn(self._let_out_in_turn, phase)

    def end_closed_loop(self) -> None:
        self._closed_loop = None

    def _let_out_in_turn(self, phase: Phase) -> None:
        while self._closed_loop is phase and self._parked and self._let_out < phase.users:
            self._let_out += 1
            phase.scheduled += 1
            self._wake(self._parked.pop(), Ticket(phase, monotonic()))
            gevent.sleep(RAMP_S / phase.users)

    def fall_due(self, phase: Phase, intended_s: float) -> None:
        """One arrival of an open loop; the phase has counted it as scheduled already."""
        if self._parked:
            self._wake(self._parked.pop(), Ticket(phase, intended_s))
        else:
            phase.queued += 1
            self._due.append(Ticket(phase, intended_s, monotonic()))

    def withdraw(self) -> list[Ticket]:
        """Take back every ticket that nobody was free for."""
        withdrawn = list(self._due)
        self._due.clear()
        return withdrawn

    @staticmethod
    def _wake(user: Any, ticket: Ticket) -> None:
        get_hub().loop.run_callback(user.switch, ticket)
