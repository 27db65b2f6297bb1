"""Somebody's own app as what a run measures: as it is, and with each remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class AppSubject:
    """`requests`: by workload, what it asks. `answers`: by method and path, what the app as it is answered."""

    app: Target
    remedies: Mapping[str, Remedy]
    requests: Mapping[str, Sequence[AppRequest]]
    answers: Mapping[tuple[str, str], RouteAnswer]

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
        requests = self.requests[workload.name]
        remedy = self.remedies.get(variant.name)
        if remedy is not None and remedy.routes and not {each.route for each in requests} & set(remedy.routes):
            return AnswerCheck("not_applicable")
        fastest_s = 0.0
        for asked in ask_routes(server, requests[:at_most], times=1, timeout_s=timeout_s):
            before = self.answers[asked.request.method, asked.request.path]
            if wrong := _difference(asked, before):
                # A remedy that changes answers does not apply; an app that does is broken.
                status = "failed" if remedy is None else "not_applicable"
                return AnswerCheck(status, f"{asked.request.method} {asked.request.path} {wrong}")
            fastest_s = min(fastest_s or asked.took_s, asked.took_s)
        return AnswerCheck("ok", answer_s=fastest_s)


def _difference(now: RouteAnswer, before: RouteAnswer) -> str:
    if now.reason:
        return now.reason
    if now.status != before.status:
        return f"answered {now.status}, and {before.status} before"
    if before.alike and now.answer != before.answer:
        return "gave another answer than before"
    return ""
