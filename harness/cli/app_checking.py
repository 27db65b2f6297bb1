"""What blocks an app's event loop: each route is asked a few times with nothing beside it, then all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.analysis.app_check import AppCheck
    from harness.analysis.app_workloads import Answered
    from harness.cli.app_requests import GivenRequests
    from harness.results.records.app_request import AppRequest
    from harness.results.records.route_answer import RouteAnswer
    from harness.serving.target import Target

APP_READY_S = 60.0
TIMEOUT_S = 10.0
_TIMES = 5
_ENOUGH_S = 1.0  # of one request; three times are enough then
_SERVER_ERROR = 500
_AT_ONCE = 16
_AT_MOST = 1_900  # the watch tells 2,000 requests apart
_STOP_S = 2.0


class CheckedApp(NamedTuple):
    """`answered` are the requests that were made, `answers` those and the routes that were not asked."""

    check: AppCheck
    answered: tuple[Answered, ...]
    answers: tuple[RouteAnswer, ...]
    sources: dict[str, str]  # the app's files in which something blocks
    errors: tuple[str, ...]
    ended: tuple[str, ...] = ()  # that the app did not live to the end of it


class LoadedApp(NamedTuple):
    """`check` with what was found under load as well, and `sources` of both. `said`: what was done, in a line."""

    check: AppCheck
    sources: dict[str, str]
    said: str
    ended: tuple[str, ...] = ()


def check_app(target: Target, given: GivenRequests, folder: Path) -> CheckedApp:
    """`folder` gets what is kept of it: `watch/`, the log of the server, and the probe's files."""
    from harness.analysis.app_check import checked
    from harness.analysis.app_workloads import Answered, with_templates
    from harness.results.watch_files import WatchFiles
    from harness.serving.asked_routes import ask_routes, known_routes, websockets
    from harness.serving.server import Server

    watch_dir = folder / "watch"
    with Server.launch(
        target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
    ) as server:
        server.wait_ready(APP_READY_S)
        known, errors = known_routes(server, watch_dir, TIMEOUT_S)
        if given.requests is not None:
            errors = []  # of the schema: nothing depends on it then
        requests = given.to_ask(known)
        answers = ask_routes(server, requests, times=_times(len(requests)), enough_s=_ENOUGH_S, timeout_s=TIMEOUT_S)
        if any(answer.status >= _SERVER_ERROR for answer in answers):
            errors.append(f"{target.name} answered with an error; {server.log_in_words()}")
        ended = () if server.exit_code() is None else (f"{target.name}: {server.describe_exit()}",)
        server.stop(5.0)
    errors += _failures(watch_dir)
    files = WatchFiles.read(watch_dir)
    files.keep(watch_dir)
    named = with_templates(requests, files.requests)
    answers = [_as_shown(answer, request) for answer, request in zip(answers, named, strict=True)]
    everything = (*answers, *given.not_asked(known), *websockets(watch_dir))
    return CheckedApp(
        checked(everything, files.stretches, files.requests, files.sources),
        tuple(map(Answered, named, answers)),
        everything,
        files.sources,
        tuple(errors),
        ended,
    )


def _failures(watch_dir: Path) -> list[str]:
    from harness.results.records.request_line import FailureLine
    from harness.results.store import read_lines

    lines = [line for path in watch_dir.glob("*.failures.jsonl") for line in read_lines(path, FailureLine)]
    return [f"some of what blocks may be missing: the watching thread failed ({line.error})" for line in lines]


def _times(requests: int) -> int:
    """How often each is asked: of very many, only so often that all can be told apart."""
    return max(1, min(_TIMES, _AT_MOST // max(1, requests)))


def check_under_load(target: Target, checked: CheckedApp, folder: Path, *, users: int, for_s: float) -> LoadedApp:
    """Launches it once more, and asks at once for all that it answered as it should. `folder` as of `check_app`."""
    from harness.analysis.app_check import checked_under_load
    from harness.analysis.app_workloads import answered_right
    from harness.results.records.text import count
    from harness.results.watch_files import WatchFiles
    from harness.serving.crowd import ask_at_once
    from harness.serving.server import Server

    watch_dir = folder / "watch"
    requests = [each.request for each in answered_right(checked.answered)]
    at_once = min(_AT_ONCE, users)
    with Server.launch(
        target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
    ) as server:
        server.wait_ready(APP_READY_S)
        asked = ask_at_once(server, requests, at_once=at_once, at_most=_AT_MOST, for_s=for_s)
        died = server.exit_code() is not None
        ended = (f"{target.name}: {server.describe_exit(f'{at_once} requests at once')}",) if died else ()
        server.stop(_STOP_S)
    files = WatchFiles.read(watch_dir)
    files.keep(watch_dir)
    check = checked_under_load(checked.check, checked.answers, files.stretches, files.requests, files.sources)
    news = sum(line.under_load for line in check.findings)
    only = f"{count(news, 'line')} {'blocks' if news == 1 else 'block'} only then" if news else "nothing more blocks"
    said = f"{count(asked, 'request')} asked {at_once} at once: {only}"
    return LoadedApp(check, {**checked.sources, **files.sources}, said, ended)


def _as_shown(answer: RouteAnswer, request: AppRequest) -> RouteAnswer:
    """Without the credentials that only the name of its route tells."""
    import msgspec

    from harness.results.records.credentials import without_credentials

    return msgspec.structs.replace(answer, path=without_credentials(request).path)
