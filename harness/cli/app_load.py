"""`bench app` without `--check`: what blocks under load, and the app as it is and with each remedy, measured."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.results.records.app_record import AS_IS

if TYPE_CHECKING:
    from harness.analysis.app_check import AppCheck
    from harness.analysis.app_report import AppReport
    from harness.analysis.app_workloads import AppWorkload
    from harness.cli.app_checking import CheckedApp, LoadedApp
    from harness.measuring.measure import Order
    from harness.results.records.app_record import AppRecord
    from harness.results.records.app_request import AppRequest
    from harness.results.records.profile import Profile
    from harness.results.records.remedy import Remedy
    from harness.results.records.strategy import ServerOptions, Strategy
    from harness.results.records.workload import Workload
    from harness.serving.target import Target

_RATE_S = 10.0


class AppLoad(NamedTuple):
    """How much is measured: so many `routes`, each alone. `installed`: the packages in the app's environment. `at_rps`:
    only the app as it is, at this rate and without remedies: for a gate."""

    results: Path
    installed: Collection[str]
    routes: int
    users: int | None = None
    budget: str | None = None
    precision: str | None = None
    seed: int | None = None
    at_rps: float | None = None
    profile: str = "app"


def measure_app(
    target: Target, record: AppRecord, checked: CheckedApp, load: AppLoad, folder: Path, *, as_json: bool
) -> tuple[AppReport, tuple[str, ...]]:
    """The app under load, as uvicorn would run it, and with each remedy that applies. The report, and a line for each
    problem that leaves it without what was asked for. `folder` is this run's own, and `brought` in it belongs to the
    run."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.analysis.app_report import app_report
    from harness.analysis.app_workloads import app_workloads
    from harness.cli.ending import display
    from harness.measuring.measure import start_run
    from harness.report import exports, page
    from harness.results.records.text import to_json

    as_run = msgspec.structs.replace(target, server=uvicorn_defaults(load.installed))
    with display(as_json) as shown:
        shown.said(_alone_in_words(checked))
        loaded = _check_under_load(target, checked, load, folder)
        if loaded.said:
            shown.said(loaded.said)
        workloads = app_workloads(loaded.check, checked.answered, load.routes)
        if load.at_rps is not None:
            workloads = workloads[:1]  # the mix, or the one route that there is
        remedies = () if load.at_rps is not None else _remedies(as_run, loaded.check, loaded.sources, load)
        record = msgspec.structs.replace(
            record, remedies=remedies, workloads={workload.name: workload.route for workload in workloads}
        )
        (folder / "brought" / "app.json").write_bytes(to_json(record))
        asked = [each.request for each in checked.answered]
        result = start_run(app_order(as_run, record, loaded.check, workloads, load, folder, asked), shown)
    analysis = analyse(result.run)
    exports.write_summary_csv(result.run, analysis)
    path = page.write_page(result.run, analysis)
    print(f"report: {path}", file=sys.stderr if as_json else sys.stdout)
    as_it_is = [line for line in result.failed if line.startswith(f"{AS_IS} ")]
    # At a rate there is no decision; whether it has figures says the gate.
    is_decided = analysis.decisions or load.at_rps is not None
    nobody = () if is_decided else ("nothing has a valid figure under load; the findings in the report say why",)
    return app_report(record, loaded.check, analysis), (*loaded.ended, *as_it_is, *nobody)


def _alone_in_words(checked: CheckedApp) -> str:
    from harness.results.records.text import count

    many = sum(route.blocks_alone for route in checked.check.routes)
    said = f"{count(many, 'route')} {'blocks' if many == 1 else 'block'} the event loop"
    return f"{count(len(checked.answered), 'request')} asked one at a time: {said}"


def _check_under_load(target: Target, checked: CheckedApp, load: AppLoad, folder: Path) -> LoadedApp:
    from harness.analysis.app_workloads import answered_right
    from harness.cli.app_checking import LoadedApp, check_under_load
    from harness.results.records.errors import HarnessError

    profile = _profile(load)
    if not (profile.loaded_check_s and answered_right(checked.answered)):
        return LoadedApp(checked.check, checked.sources, "")
    loaded = folder / "brought" / "loaded"
    try:
        return check_under_load(target, checked, loaded, users=profile.users, for_s=profile.loaded_check_s)
    except HarnessError as error:  # such as an app that can be started only once
        return LoadedApp(checked.check, checked.sources, "", (str(error),))


def uvicorn_defaults(installed: Collection[str]) -> ServerOptions:
    """What `uvicorn MODULE:APP` takes by itself: uvloop and httptools where they are installed."""
    from harness.results.records.strategy import ServerOptions

    return ServerOptions(
        loop="uvloop" if "uvloop" in installed else "asyncio", http="httptools" if "httptools" in installed else "h11"
    )


def _remedies(target: Target, check: AppCheck, sources: Mapping[str, str], load: AppLoad) -> tuple[Remedy, ...]:
    import msgspec

    from harness.analysis.app_remedies import remedies
    from harness.machine.partition import detect
    from harness.serving.package_sources import package_sources

    found = remedies(
        check,
        cores=detect().target_cores,
        users=_profile(load).users,
        installed=load.installed,
        sources={**package_sources(target), **sources},
        workers=target.workers,
    )
    taken = "uvicorn takes it by itself, so the app as it is has it"
    fair = [msgspec.structs.replace(each, loop=target.server.loop) if each.server else each for each in found]
    return tuple(
        msgspec.structs.replace(remedy, why_not=taken)
        if not (remedy.why_not or remedy.server)
        and (target.server.loop == remedy.loop or target.server.http == remedy.http)
        else remedy
        for remedy in fair
    )


def shown_arguments(words: Sequence[str], asked: Sequence[AppRequest] = ()) -> list[str]:
    """A command line for the record, without the credentials in a path that is `asked`."""
    from harness.results.records.app_request import AppRequest
    from harness.results.records.credentials import without_credentials

    requests = {request.path: request for request in asked}

    def shown(word: str) -> str:
        option, equals, path = word.partition("=") if word.startswith("--") else ("", "", word)
        return f"{option}{equals}{without_credentials(requests.get(path) or AppRequest(path=path)).path}"

    return [shown(word) for word in words]


def app_order(
    target: Target,
    record: AppRecord,
    check: AppCheck,
    workloads: Sequence[AppWorkload],
    load: AppLoad,
    folder: Path,
    asked: Sequence[AppRequest],
) -> Order:
    """What is measured of `target`. `folder` is this run's own: what is asked is written there, with credentials, and
    `brought` in it holds what belongs to the run. `asked`: all that was asked before. Raises UsageError."""
    from harness.driving.app_scenario import app_scenario
    from harness.measuring.app_subject import AppSubject, KnownAnswers
    from harness.measuring.measure import Order
    from harness.results.records.variant import Variant

    remedies = {remedy.name: remedy for remedy in record.remedies if not remedy.why_not}
    service_ms = {route.name: route.service_ms for route in check.routes if route.service_ms is not None}
    known = {}
    (folder / "requests").mkdir()
    made = []
    for each in workloads:
        statuses = [asked.answer.status for asked in each.asked]
        fastest_ms = min((service_ms[one.route] for one in each.requests if one.route in service_ms), default=0.0)
        known[each.name] = KnownAnswers(each.requests, [asked.answer for asked in each.asked], fastest_ms / 1000)
        path = folder / "requests" / f"{each.name}.py"
        path.write_text(app_scenario(f"{each.route} of {record.app}", each.requests, statuses))
        made.append(_workload(each, statuses, f"requests/{path.name}"))
    strategies = [_strategy(AS_IS, "the app as it is", target), *(_of(remedy, target) for remedy in remedies.values())]
    return Order(
        root=folder,
        profile=_profile(load),
        strategies=tuple(strategies),
        variants=tuple(
            Variant(
                name=strategy.name,
                strategy=strategy.name,
                title=strategy.title,
                path=strategy.path,
                server=strategy.server,
                workers=remedies[strategy.name].workers if strategy.name in remedies else target.workers,
            )
            for strategy in strategies
        ),
        workloads=tuple(made),
        results=load.results.resolve(),  # the load generator has another current folder
        command=shlex.join(["bench", *shown_arguments(sys.argv[1:], asked)]),
        baseline=AS_IS,
        subject=AppSubject(target, remedies, known),
        brought=folder / "brought",
        can_resume=False,
        must_fit=load.budget is not None,
    )


def _profile(load: AppLoad) -> Profile:
    import msgspec

    from harness.cli.order import budget_s, precision_percent
    from harness.profiles.loader import load_profile
    from harness.results.records.profile import RatePhase

    profile = load_profile(load.profile)
    changes: dict[str, object] = {}
    if load.users is not None:
        if load.users > profile.max_in_flight:
            changes["max_in_flight"] = load.users
        changes["users"] = load.users
    if load.seed is not None:
        changes["seed"] = load.seed
    if load.budget is not None:
        changes["budget_s"] = budget_s(load.budget)
    if load.precision is not None:
        changes["precision_percent"] = precision_percent(load.precision)
    if load.at_rps is not None:
        changes |= {"rates": (RatePhase(None, _RATE_S, load.at_rps),), "sessions": 1, "rounds": 1}
        changes["capacity_session_s"] = 0.0
    return msgspec.structs.replace(profile, **changes)


def _workload(each: AppWorkload, statuses: Sequence[int], path: str) -> Workload:
    from harness.results.records.credentials import without_credentials
    from harness.results.records.workload import Request, Workload

    shown = [without_credentials(request) for request in each.requests]
    return Workload(
        name=each.name,
        title=each.route,
        description="",
        path=path,
        requests=tuple(
            Request(
                path=request.path,
                answer=None,
                method=request.method,
                headers=request.headers,
                body="" if request.body is None else request.body.decode(errors="replace"),
                status=status,
            )
            for request, status in zip(shown, statuses, strict=True)
        ),
    )


def _of(remedy: Remedy, target: Target) -> Strategy:
    return _strategy(remedy.name, remedy.title, target)


def _strategy(name: str, title: str, target: Target) -> Strategy:
    from harness.results.records.strategy import Strategy

    return Strategy(name=name, title=title, description="", path=target.source, server=target.server)
