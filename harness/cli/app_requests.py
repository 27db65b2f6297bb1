"""What `bench app` asks: chosen by its options before anything is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from harness.processes.temporary_folder import temporary_folder
from harness.results.records.app_request import AppRequest
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.route_answer import RouteAnswer
from harness.results.records.text import count, printable
from harness.serving.app_requests_file import read_requests, write_requests_file
from harness.serving.asked_routes import known_routes
from harness.serving.har import read_har
from harness.serving.openapi_routes import AppRoute, with_template
from harness.serving.request_entry import as_sent
from harness.serving.server import Server
from harness.serving.target import Target

_FILE = Path("bench-app.toml")


class GivenRequests(Struct, frozen=True):
    """`requests` are None when no file says what is asked: then the app's schema does. `added` are asked as well.
    `said`: where the requests come from, for the terminal; empty: from the schema."""

    requests: tuple[AppRequest, ...] | None
    added: tuple[AppRequest, ...]
    source: str = ""
    said: str = ""

    def to_ask(self, known: Sequence[AppRoute]) -> list[AppRequest]:
        """`known` are the routes of the app's schema."""
        of_schema = [route.request for route in known if route.request is not None]
        chosen = of_schema if self.requests is None else self.requests
        return [with_template(request, known) for request in (*chosen, *self.added)]

    def not_asked(self, known: Sequence[AppRoute]) -> list[RouteAnswer]:
        """The other routes of the schema, with the reason."""
        asked = {request.route for request in self.to_ask(known)}
        missing = f"{self.source} does not ask for it"
        return [
            RouteAnswer(route.method, route.template, None, 0, route.missing if self.requests is None else missing)
            for route in known
            if route.name not in asked
        ]


def given_requests(
    *,
    requests: Path | None = None,
    har: Path | None = None,
    har_host: str | None = None,
    with_credentials: bool = False,
    unsafe: bool = False,
    ask: Sequence[str] = (),
) -> GivenRequests:
    """Raises UsageError, also for options that have no meaning together."""
    if requests is not None and har is not None:
        raise UsageError(f"--requests {requests}: --har {har} says what is asked, too; leave one of them out")
    for option, is_given in (("--har-host", har_host), ("--with-credentials", with_credentials), ("--unsafe", unsafe)):
        if is_given and har is None:
            raise UsageError(f"{option}: is for a recording; add --har FILE")
    added = tuple(_added(path) for path in ask)
    if har is not None:
        recorded = read_har(har, host=har_host, with_credentials=with_credentials, unsafe=unsafe)
        return GivenRequests(recorded.requests, added, source=str(har), said=recorded.said)
    path = requests or (_FILE if _FILE.exists() else None)
    if path is None:
        return GivenRequests(None, added)
    of_file = read_requests(path)
    return GivenRequests(of_file, added, source=str(path), said=f"{path}: {count(len(of_file), 'request')}")


def init_requests(target: Target, path: Path | None, *, ready_s: float, timeout_s: float) -> str:
    """Writes the file with an entry for each route of the app's schema, and says so. Raises UsageError when the file is
    there already."""
    path = path or _FILE
    if path.exists():
        raise UsageError(f"{path}: exists; edit it, or name another with --requests")
    with temporary_folder("bench-app-") as folder:
        watch_dir = folder / "watch"
        with Server.launch(
            target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
        ) as server:
            server.wait_ready(ready_s)
            known, errors = known_routes(server, watch_dir, timeout_s)
            server.stop(5.0)
    if not known:
        raise HarnessError(f"--init: no route of {target.name} is known: {'; '.join(errors)}")
    write_requests_file(path, target.app, known)
    asked = sum(route.request is not None for route in known)
    return f"{path}: {count(len(known), 'route')}, {asked} of them are asked; edit it, then leave --init out"


def wrong_status_lines(answers: Sequence[RouteAnswer]) -> list[str]:
    """A line for each answer that has not the status that was said to be the right one."""
    wrong = [each for each in answers if each.expected is not None and each.reason]
    return [f"{each.method} {printable(each.path or '')}: {each.reason}" for each in wrong]


def why_no_success(answers: Sequence[RouteAnswer]) -> str:
    """Said when no route answered as it should, with the way out; empty when one did."""
    asked = [each for each in answers if each.path is not None]
    if any(not each.reason or (each.expected is None and 0 < each.status < 400) for each in asked):
        return ""
    if asked and all(each.asks_for_credentials for each in asked):
        return (
            "every route asks for credentials; give them as headers in bench-app.toml (--init writes it), "
            "or record with a browser: --har FILE --with-credentials"
        )
    return "no route answered with success; name paths with --ask, or see what the app needs"


def why_no_load(answers: Sequence[RouteAnswer]) -> str:
    """Said when some routes answered as they should, and none of them to the end; empty when one did."""
    if any(each.status and not (each.reason or each.cut) for each in answers):
        return ""
    return "no route has a right answer with an end, so nothing can be measured under load; name paths with --ask"


def _added(path: str) -> AppRequest:
    if not path.startswith("/"):
        raise UsageError(f"--ask {printable(path)}: begin it with /")
    try:
        return AppRequest(path=as_sent(path))
    except ValueError as error:
        raise UsageError(f"--ask {printable(path)}: is no path ({error}); percent-encode it") from error
