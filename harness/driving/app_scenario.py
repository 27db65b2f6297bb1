"""A workload file for requests of somebody's own app: a plain locustfile, made for one run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.records.app_request import AppRequest
from harness.results.records.text import printable

_TEXT = '''"""{title}"""

import random

from locust import task

from harness.scenario import BenchUser, Status

ASKED = [
{asked}]
WEIGHTS = {weights}


class OwnApp(BenchUser):
    @task
    def one(self) -> None:
        self.ask(**random.choices(ASKED, cum_weights=WEIGHTS)[0])
'''


def app_scenario(title: str, requests: Sequence[AppRequest], statuses: Sequence[int]) -> str:
    """Its text. `statuses`: the right one of each request. Only that is looked at under load: whether the answers are
    the same is asked before."""
    asked = "".join(f"    {_literal(request, status)},\n" for request, status in zip(requests, statuses, strict=True))
    weights: list[float] = []
    for request in requests:
        weights.append((weights[-1] if weights else 0.0) + request.weight)
    shown = printable(title).replace("\\", "/").replace('"', "'")
    return _TEXT.format(title=shown, asked=asked, weights=weights)


def _literal(request: AppRequest, status: int) -> str:
    said = [f'"method": {request.method!r}', f'"path": {request.path!r}']
    if request.headers:
        said.append(f'"headers": {dict(request.headers)!r}')
    if request.body is not None:
        said.append(f'"body": {request.body!r}')
    return "{" + ", ".join([*said, f'"answer": Status({status})']) + "}"
