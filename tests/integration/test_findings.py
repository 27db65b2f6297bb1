"""Each finding is provoked by a real slice: a target, a scenario or a machine that does what the rule is about.

What cannot be made on any machine is the hypervisor's steal time and a control group's quota: there the real code reads
a /proc/stat and a cpu.stat made here.
"""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep

import msgspec
import psutil
import pytest

from harness.analysis import remarks
from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.driving.load import Ended, Load, Progress, Started
from harness.judging import fullness, machine_noise, validity
from harness.judging.arrival_figures import by_phase
from harness.judging.context import Context
from harness.judging.phase_figures import phase_figures
from harness.machine import cgroup
from harness.machine.noise import NoiseWatch
from harness.machine.partition import available_cpus
from harness.profiles.loader import load_profile
from harness.results import histograms
from harness.results.records.arrival_times import Arrivals
from harness.results.records.finding import Finding
from harness.results.records.noise_record import Noise
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec
from harness.results.records.slice_record import SliceRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run, read_lines
from tests import peculiar_targets as targets
from tests.bench_kit import CHECKOUT, PARTITIONED, TINY, Project
from tests.children import child
from tests.integration.test_local_generator import Rig, closed, rate
from tests.made_slices import PHASE_S, boot, phase, slice

CLOSED_LOOP = TINY.replace("rates = [{ percent = 30, duration_s = 0.4 }]", "rates = []")
assert CLOSED_LOOP != TINY


def profile(**changes: str) -> str:
    """The tiny profile, closed loop only, with other values."""
    lines = [line for line in CLOSED_LOOP.splitlines() if line.split(" =")[0] not in changes]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in changes.items())]) + "\n"


def measured(project: Project, *arguments: str) -> Analysis:
    project.ask_less()
    ended = project.run(*arguments)
    assert ended.code in (0, 3), ended.err
    project.assert_nothing_is_left()
    return analyse(Run.open(project.run_folder))


def found(analysis: Analysis, variant: str) -> tuple[Finding, ...]:
    """Of all its slices but the pilot."""
    slices = [t for t in analysis.slices if t.record.spec.variant == variant and not t.record.spec.is_pilot]
    for judged in slices:
        assert judged.valid == all(finding.level == "info" for finding in judged.findings)
    return tuple(finding for judged in slices for finding in judged.findings)


def codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def assert_found(findings: Iterable[Finding | None], code: str, *levels: str) -> None:
    """Every provocation ends here, with the code spelt out: `test_every_rule_is_provoked_here` reads it."""
    said = {finding.code: finding for finding in findings if finding is not None}
    assert code in said, said
    assert said[code].level in levels, said[code]


# ----------------------------------------------------------------------------------------- what a target does


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(
        tmp_path_factory.mktemp("targets"),
        [],
        profile(warmup_s="0.4", warmup_min_s="0.2", capacity_s="2.5"),
    )
    for name in (
        "CACHES",
        "WRONG_NOW_AND_THEN",
        "FAILS_NOW_AND_THEN",
        "DIES",
        "REDIRECTS_FILES",
        "BRINGS_THE_GIL_BACK",
    ):
        project.target(name.lower(), getattr(targets, name))
    return project


@pytest.fixture(scope="module")
def peculiar(project: Project) -> Analysis:
    return measured(project)


DOES_WRONG = [
    ("caches", "below_wait", "invalid"),
    ("caches", "above_ceiling", "invalid"),
    ("wrong_now_and_then", "wrong_answers", "invalid"),
    ("fails_now_and_then", "failed_requests", "info"),
    ("dies", "slice_failed", "invalid"),
    ("dies", "server_died", "invalid"),
    ("redirects_files", "probe_silent", "info"),
    ("brings_the_gil_back", "gil_is_back", "invalid"),
]


@pytest.mark.parametrize(("variant", "code", "level"), DOES_WRONG)
def test_what_a_target_does_wrong_is_found_in_its_slice(
    peculiar: Analysis, variant: str, code: str, level: str
) -> None:
    assert_found(found(peculiar, variant), code, level)


def test_and_in_no_others(peculiar: Analysis) -> None:
    """The targets that only answer wrongly or with 500 now and then are in order otherwise."""
    noise = {"slow_canary", "stolen_time", "busy_machine", "cpu_pressure", "throttled", "warmup_not_settled"}
    noise |= {"not_steady", "generator_waited"}  # a neighbour that begins or ends in the middle of a phase
    assert codes(found(peculiar, "wrong_now_and_then")) - noise == {"wrong_answers"}
    assert codes(found(peculiar, "fails_now_and_then")) - noise == {"failed_requests"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Of targets whose findings need a machine to themselves, in one run."""
    project = Project(
        tmp_path_factory.mktemp("undisturbed"),
        [],
        profile(warmup_s="0.4", warmup_min_s="0.2", capacity_s="2.5", pilot_idle_s="0.0"),
    )
    for name in ("GROWS", "WAKES_SLOWLY", "FLOODS_THE_UPSTREAM"):
        project.target(name.lower(), getattr(targets, name))
    return measured(project)


@pytest.mark.measures  # memory is sampled beside the answers: where others take the CPU, the two are out of step
def test_an_app_whose_memory_grows_with_its_requests_is_found(undisturbed: Analysis) -> None:
    assert_found(found(undisturbed, "grows"), "memory_grows", "info")


@pytest.mark.measures
def test_a_target_that_wakes_slowly_is_not_steady(undisturbed: Analysis) -> None:
    assert_found(found(undisturbed, "wakes_slowly"), "not_steady", "invalid")


@pytest.mark.measures
def test_a_saturated_upstream_is_found(undisturbed: Analysis) -> None:
    assert_found(found(undisturbed, "floods_the_upstream"), "service_busy", "invalid")


@pytest.mark.measures
def test_an_open_loop_whose_answers_take_longer_and_longer_is_found(tmp_path: Path) -> None:
    """Some 60 arrivals; the last of them wait for about a second."""
    rates = "[{ percent = 15, duration_s = 5.0 }]"
    project = Project(tmp_path, [], profile(warmup_s="0.2", capacity_s="0.2", rates=rates, drain_s="6.0"))
    project.target("piles_up", targets.PILES_UP)
    assert_found(found(measured(project), "piles_up"), "piles_up", "info")
    (samples,) = project.run_folder.glob("boots/*/1/samples.jsonl")
    lines = samples.read_text().splitlines(keepends=True)
    samples.write_text("".join(lines[: next(at for at, line in enumerate(lines) if ":drained" in line)]))
    assert_found(found(analyse(Run.open(project.run_folder)), "piles_up"), "cost_unknown", "info")


def test_what_is_missing_on_disk_is_found(peculiar: Analysis, project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(project.run_folder, copy)
    folder = copy / "boots/io-fails_now_and_then/1"
    (folder / "samples.jsonl").unlink()
    log = (folder / "latency.hlog").read_bytes()
    (folder / "latency.hlog").write_bytes(log[: len(log) // 2])
    said = found(analyse(Run.open(copy)), "fails_now_and_then")
    assert_found(said, "samples_missing", "info")
    assert_found(said, "log_cut_off", "info")


# -------------------------------------------------------------------------------------------- several workers


@pytest.fixture(scope="module")
def with_workers(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    project = Project(tmp_path_factory.mktemp("workers"), [], profile(capacity_s="3.0", users="24", pilot_idle_s="0.0"))
    for name in ("ONE_WORKER_DIES", "ONE_WORKER_IS_SLOW"):
        project.target(name.lower(), getattr(targets, name))
    return measured(project)


@pytest.mark.measures
def test_a_worker_that_was_started_again_is_found(with_workers: Analysis) -> None:
    assert_found(found(with_workers, "one_worker_dies"), "worker_restarted", "invalid")


@pytest.mark.measures
def test_a_worker_that_takes_most_of_the_requests_is_said(with_workers: Analysis) -> None:
    assert_found(found(with_workers, "one_worker_is_slow"), "uneven_workers", "info")


# -------------------------------------------------------------------------------------------- reserved CPUs


NEEDS_TWO = pytest.mark.skipif(
    len(available_cpus()) < 2 or sys.platform != "linux", reason="needs two CPUs to keep apart"
)


@pytest.mark.measures
@NEEDS_TWO
def test_an_app_that_works_while_nobody_asks_is_found(tmp_path: Path) -> None:
    """On a CPU of its own: a target that shares its CPUs has the lowest priority and little CPU when others work."""
    project = Project(tmp_path, [], profile(pilot_idle_s="1.0"), command=PARTITIONED)
    project.target("works_while_idle", targets.works_while_idle(0.9))
    assert_found(found(measured(project), "works_while_idle"), "busy_while_idle", "info")


@pytest.mark.measures
@NEEDS_TWO
def test_a_generator_and_an_upstream_that_fill_their_reserved_cpu_together_are_found(tmp_path: Path) -> None:
    project = Project(tmp_path, [], profile(capacity_s="1.5", users="24", pilot_idle_s="0.0"), command=PARTITIONED)
    project.target("floods_the_upstream", targets.FLOODS_THE_UPSTREAM)
    assert_found(found(measured(project), "floods_the_upstream"), "reserved_busy", "invalid")


# ---------------------------------------------------------------------------------------------- the generator


@pytest.mark.measures
def test_a_generator_that_is_the_bottleneck_is_found(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        ["pure_async_aiohttp"],
        profile(workloads='["greedy"]', capacity_s="1.0", rates="[{ percent = 60, duration_s = 5.0 }]"),
    )
    (project.root / "scenarios/greedy.py").write_text(targets.GREEDY_SCENARIO)
    said = found(measured(project, "-w", "greedy"), "pure_async_aiohttp")
    assert_found(said, "generator_busy", "invalid")
    assert_found(said, "sent_late", "info", "invalid")
    assert_found(said, "arrivals_off_law", "info")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(tmp_path, "/delay?5", 64, 1, stack)


@pytest.mark.measures
def test_a_generator_that_was_held_up_at_the_end_of_a_phase_is_off_schedule(held: Rig) -> None:
    """Stopped for 0.5 s shortly before the end: its last arrivals, a twentieth of all, leave late."""
    (generator,) = psutil.Process(held.generator.local_pid).children()

    def hold() -> None:
        generator.send_signal(signal.SIGSTOP)
        threading.Timer(0.5, generator.send_signal, (signal.SIGCONT,)).start()

    def on_event(event: Started | Progress | Ended) -> None:
        if isinstance(event, Started):
            threading.Timer(2.85, hold).start()

    load = Load(("127.0.0.1", held.port), (rate("rate", 3.0, 100.0),), 3.0, 10.0, 20.0)
    done = held.generator.run(load, on_event, lambda: False)
    arrivals = read_lines(held.latency_path.with_name("arrivals.jsonl"), Arrivals)
    record = msgspec.structs.replace(slice().record, phases=done.records)
    finding = validity.arrivals_off_schedule(judging(record, held.latency_path, arrivals))
    assert_found([finding], "arrivals_off_schedule", "invalid")


def judging(record: SliceRecord, latency_path: Path | None = None, arrivals: list[Arrivals] | None = None) -> Context:
    read = histograms.read_histograms(latency_path) if latency_path else histograms.Histograms({})
    return Context(
        record=record,
        boot=boot(record),
        phases=phase_figures(record, 0.0, read, [], {}),
        variant=Variant(name="sync_def", strategy="sync_def", title="", path=""),
        workload=Workload("io", "", "", "", ()),
        profile=load_profile("smoke"),
        target_cores=1,
        median_canary_ms=None,
        arrivals=by_phase(arrivals or []),
    )


def test_a_scenario_that_raises_before_it_asks_is_found_and_no_fault_of_the_server(tmp_path: Path) -> None:
    project = Project(tmp_path, ["pure_async_aiohttp"], profile())
    scenario = tmp_path / "scenarios" / "io.py"
    raising = scenario.read_text().replace("self.ask(", "raise ValueError('before it asked')\n        self.ask(")
    assert raising != scenario.read_text()
    scenario.write_text(raising)
    said = found(measured(project), "pure_async_aiohttp")
    assert_found(said, "scenario_failed", "invalid")
    assert "server_died" not in codes(said)


# ------------------------------------------------------------------------------------------------ the machine


@contextmanager
def hogs(count: int) -> Iterator[list[psutil.Process]]:
    """`count` processes that compute all the time."""
    with ExitStack() as stack:
        started = [stack.enter_context(child([sys.executable, "-c", "while True: pass"])) for _ in range(count)]
        try:
            yield [psutil.Process(process.pid) for process in started]
        finally:
            for process in started:
                process.kill()


@pytest.mark.measures
def test_a_machine_that_others_work_on_is_found(tmp_path: Path) -> None:
    project = Project(tmp_path, ["pure_async_aiohttp"], profile(quiet_s="0.3", others_most_cores="0.2"))
    with hogs(2 * (os.cpu_count() or 1)):
        analysis = measured(project)
    (judged,) = (t for t in analysis.slices if not t.record.spec.is_pilot)
    assert_found(judged.findings, "not_quiet", "info")
    assert_found(judged.findings, "busy_machine", "invalid")
    noise = judged.record.noise
    assert noise is not None
    if noise.cpu_pressure_percent is not None:  # it is Linux's, and may be switched off there
        assert_found(judged.findings, "cpu_pressure", "info")


@pytest.mark.measures
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how long a process waited for a CPU")
def test_a_generator_that_was_ready_and_had_no_cpu_is_found(held: Rig) -> None:
    """On the CPU of three that compute all the time."""
    (generator,) = psutil.Process(held.generator.local_pid).children()
    cpu = generator.cpu_affinity()[:1]
    generator.cpu_affinity(cpu)
    with hogs(3) as others:
        for other in others:
            other.cpu_affinity(cpu)
        load = Load(("127.0.0.1", held.port), (closed("capacity", 2.0, 64),), 3.0, 10.0, 20.0)
        done = held.generator.run(load, lambda event: None, lambda: False)
    record = msgspec.structs.replace(slice().record, phases=done.records)
    assert_found([remarks.generator_waited(judging(record))], "generator_waited", "info")


# A host that gives a guest's CPU away in turns of some milliseconds, a fifth of each to us, for a second. (Computing
# neighbours are no such thing: Linux's turns are longer than a pass of the canary, and its median sees none of them.)
_HOST = """
import os, signal, sys, time
guest = int(sys.argv[1])
print(flush=True)
for _ in range(200):
    os.kill(guest, signal.SIGSTOP)
    time.sleep(0.004)
    os.kill(guest, signal.SIGCONT)
    time.sleep(0.001)
"""
_CANARIES = """
import json, os, subprocess, sys
from harness.machine.noise import canary_ms
quiet = [canary_ms() for _ in range(5)]
with subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE) as host:
    host.stdout.readline()
    disturbed = canary_ms()
print(json.dumps([sorted(quiet)[2], disturbed]))
"""


@pytest.mark.measures
def test_a_canary_slower_than_the_runs_median_is_found() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _CANARIES, _HOST], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60
    )
    median_ms, disturbed_ms = json.loads(told.stdout)
    record = slice(noise=Noise(None, None, canary_ms=disturbed_ms)).record
    variant, workload = Variant(name="a", strategy="a", title="", path=""), Workload("io", "", "", "", ())
    given = Context(record, boot(record), {}, variant, workload, load_profile("smoke"), 1, median_canary_ms=median_ms)
    finding = machine_noise.slow_canary(given)
    assert finding is not None, (median_ms, disturbed_ms)
    assert_found([finding], "slow_canary", "info", "invalid")


def test_fewer_users_for_one_that_is_not_full_are_found() -> None:
    """Two users, each answered after 100 ms: nobody waited for the other. One at a time would be 10 answers/s."""
    kept = slice("sync_def", 1, phase(19.5)).record
    spec = PhaseSpec("capacity", PhaseKind.CAPACITY, PHASE_S, 2)
    as_if_full = [msgspec.structs.replace(one, spec=spec, min_service_ms=100.0) for one in kept.phases]
    assert_found(map(fullness.too_few_users, [judging(with_phases(kept, as_if_full))]), "too_few_users", "invalid")
    full = [msgspec.structs.replace(one, ok_in_window=round(9.8 * PHASE_S)) for one in as_if_full]
    assert fullness.too_few_users(judging(with_phases(kept, full))) is None
    all_ask = [msgspec.structs.replace(one, min_service_ms=100.0) for one in kept.phases]
    assert fullness.too_few_users(judging(with_phases(kept, all_ask))) is None


def with_phases(record: SliceRecord, phases: list[PhaseRecord]) -> SliceRecord:
    return msgspec.structs.replace(record, phases=tuple(phases))


def test_what_other_programs_use_is_seen_and_found() -> None:
    with child([sys.executable, "-c", "while True: pass"]) as process:
        watch = NoiseWatch()
        sleep(0.5)
        noise = watch.finish(ours_s=0.0)
        process.kill()
    assert noise.foreign_cores is not None
    assert_found([machine_noise.busy_machine(judging(slice(noise=noise).record))], "busy_machine", "invalid")
    assert watch.finish(ours_s=1e3).foreign_cores == 0, "what the run itself uses is none of it"


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc/stat")
def test_time_that_a_hypervisor_stole_is_read_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CPUs for 5 s, of which 4 s were stolen: user nice system idle iowait irq softirq steal, in ticks."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  10000 0 2000 50000 100 0 50 300 0 0\ncpu0 5000 0 1000 25000 50 0 25 150 0 0\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    watch = NoiseWatch()
    stat.write_text("cpu  10400 0 2100 50090 110 0 50 700 0 0\ncpu0 5200 0 1050 25045 55 0 25 350 0 0\n")
    noise = watch.finish()
    assert noise.steal_percent == pytest.approx(40.0)
    assert_found([machine_noise.stolen_time(judging(slice(noise=noise).record))], "stolen_time", "invalid")


def test_time_that_a_quota_took_is_read_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 s of a slice of 10 s, as version 2 counts: our own group's 0.3 s and 0.2 s of the one above, whose limit is
    on us, too. The root, which has no quota, does not count any."""
    mount = tmp_path / "cgroup-fs"
    stats = {mount / "pod/job": 4_000_000, mount / "pod": 1_000_000}
    (mount / "pod/job").mkdir(parents=True)
    (mount / "cpu.stat").write_text("usage_usec 900\nuser_usec 600\nsystem_usec 300\n")
    (tmp_path / "cgroup").write_text("0::/pod/job\n")
    (tmp_path / "mountinfo").write_text(f"35 24 0:30 / {mount} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n")
    monkeypatch.setattr(cgroup, "_PROC", tmp_path)

    def write(more: dict[str, int]) -> None:
        for folder, usec in stats.items():
            throttled = f"nr_throttled 9\nthrottled_usec {usec + more.get(folder.name, 0)}\n"
            (folder / "cpu.stat").write_text(f"usage_usec 700\nnr_periods 99\n{throttled}")

    write({})
    watch = NoiseWatch()
    write({"job": 300_000, "pod": 200_000})
    noise = watch.finish()
    assert noise.throttled_s == pytest.approx(0.5)
    assert_found([remarks.throttled(judging(slice(noise=noise).record))], "throttled", "info")


def test_every_rule_is_provoked_here() -> None:
    """A rule without a provocation has never been seen to work. Only what is asserted counts, not what is named."""
    others = ("test_without_answers.py", "test_side_by_side.py", "test_postgres.py")
    sources = [Path(__file__), *map(Path(__file__).with_name, others)]
    nodes = (node for source in sources for node in ast.walk(ast.parse(source.read_text())))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    asserted = [call.args[1] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "assert_found"]
    spelt_out = {node.value for node in asserted if isinstance(node, ast.Constant)}
    provoked = spelt_out | {code for _, code, _ in DOES_WRONG}
    assert {rule.__name__ for rule in (*validity.RULES, *remarks.REMARKS)} == provoked
