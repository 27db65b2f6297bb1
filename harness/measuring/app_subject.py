"""Somebody's own app as what a run measures: as it is, and with each remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from harness.results.records.app_request import AppRequest
from harness.results.records.remedy import Remedy
from harness.results.records.route_answer import RouteAnswer
from harness.results.records.strategy import ServerOptions
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.serving.answers import AnswerCheck
from harness.serving.asked_routes import ask_routes
from harness.serving.server import Server
from harness.serving.target import Target


class KnownAnswers(NamedTuple):
    """What a workload asks, what the app as it is answered to each, and how long the fastest of them takes."""

    requests: Sequence[AppRequest]
    answers: Sequence[RouteAnswer]
    answer_s: float


@dataclass(frozen=True)
class AppSubject:
    """`known`: by workload. `changing`: requests whose answer differs from one minute to the next, as the app as it is
    shows, which is checked first; of them only the status is compared."""

    app: Target
    remedies: Mapping[str, Remedy]
    known: Mapping[str, KnownAnswers]
    changing: set[tuple[str, str]] = field(default_factory=set)

    def not_here(self, variant: Variant) -> str:
        """What cannot be launched was no variant in the first place (`harness.analysis.app_remedies`)."""
        return ""

    def target(self, variant: Variant, environment: Mapping[str, str]) -> Target:
        remedy = self.remedies.get(variant.name)
        if remedy is None:
            return self.app
        server = self.app.server
        changed = ServerOptions(
            server=remedy.server or server.server,
            loop=remedy.loop or ("" if remedy.server else server.loop),
            http=remedy.http or ("" if remedy.server else server.http),
        )
        return msgspec.structs.replace(
            self.app,
            name=f"{self.app.name} with {variant.name}",
            server=changed,
            workers=remedy.workers,
            remedies=remedy.inside,
        )

    def check(
        self, server: Server, variant: Variant, workload: Workload, timeout_s: float, *, at_most: int | None = None
    ) -> AnswerCheck:
        """The same status as the app as it is, and the same answer where that one's own were alike. A remedy that
        changes none of the workload's routes is not applicable to it."""
        known = self.known[workload.name]
        remedy = self.remedies.get(variant.name)
        if remedy is not None and remedy.routes and not {each.route for each in known.requests} & set(remedy.routes):
            return AnswerCheck("not_applicable")
        now = ask_routes(server, known.requests[:at_most], times=1, timeout_s=timeout_s)
        for answer, before in zip(now, known.answers, strict=False):
            request = answer.method, answer.path or ""
            if remedy is None and answer.status == before.status and answer.answer != before.answer:
                self.changing.add(request)
            if wrong := _difference(answer, before, by_status=request in self.changing):
                # A remedy that changes answers does not apply; an app that does is broken.
                status: Literal["failed", "not_applicable"] = "failed" if remedy is None else "not_applicable"
                return AnswerCheck(status, server.reported() or f"{answer.method} {answer.path}: {wrong}")
        return AnswerCheck("ok", answer_s=known.answer_s)


def _difference(now: RouteAnswer, before: RouteAnswer, *, by_status: bool) -> str:
    if now.status != before.status:
        return now.reason or f"answered {now.status}, and {before.status} before"
    if before.alike and not by_status and now.answer != before.answer:
        return "gave another answer than before; if a field of it differs each time, name it in `ignore`"
    return ""
