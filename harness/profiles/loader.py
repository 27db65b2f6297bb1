"""Reads a profile. Errors name file, line and key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.results.records.errors import UsageError
from harness.results.records.profile import Profile

_FOLDER = Path(__file__).parent


def profile_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_profile(name_or_path: str) -> Profile:
    """A built-in profile by name, or any TOML file by path. Raises UsageError naming file, line or key."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = _FOLDER / f"{name_or_path}.toml"
        if name_or_path not in profile_names():
            near = difflib.get_close_matches(name_or_path, profile_names(), 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(profile_names())}, or a path to a .toml"
            raise UsageError(f"--profile {name_or_path}: unknown; {hint}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--profile {path}: cannot be read ({error})") from error
    try:
        profile = msgspec.convert(tomllib.loads(text), Profile)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from error  # tomllib names line and column
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}{_line_of(str(error), text)}: {error}") from error
    if profile.name:
        raise UsageError(f"{path}{_line_of('unknown field `name`', text)}: name: is the file's name; leave it out")
    profile = msgspec.structs.replace(profile, name=path.stem)
    _check(profile, path)
    return profile


def check_workloads(profile: Profile, known: Sequence[str]) -> None:
    """Raises UsageError when the profile names a workload that is not among the `known` ones."""
    for key, names in (
        ("workloads", profile.workloads),
        ("users_by_workload", tuple(profile.users_by_workload)),
        ("more_sessions", tuple(profile.more_sessions)),
    ):
        for name in names:
            if name not in known:
                there_are = f"there are: {', '.join(sorted(known))}"
                raise UsageError(f"profile {profile.name}: {key}: there is no workload {name}; {there_are}")


def _check(profile: Profile, path: Path) -> None:
    if any(rate.rps is not None for rate in profile.rates):
        raise UsageError(f"{path}: rates: rps: a profile has percents of the best capacity; write percent")
    percents = [rate.percent or 0.0 for rate in profile.rates]
    if percents != sorted(set(percents)):
        raise UsageError(f"{path}: rates: percents {percents} must ascend (a strategy that chokes skips the rest)")
    most_users = max([profile.users, *profile.users_by_workload.values()])
    if most_users > profile.max_in_flight:
        raise UsageError(
            f"{path}: max_in_flight: {profile.max_in_flight} is below the {most_users} users of a closed loop; raise it"
        )
    fewest_users = min([profile.users, *profile.users_by_workload.values()])
    if profile.generators > fewest_users:
        raise UsageError(f"{path}: generators: {profile.generators} is more than the {fewest_users} users; lower it")
    if profile.warmup_min_s is not None and profile.warmup_min_s > profile.warmup_s:
        raise UsageError(f"{path}: warmup_min_s: {profile.warmup_min_s:g} is above warmup_s, {profile.warmup_s:g}")


def _line_of(message: str, text: str) -> str:
    """`:LINE` of the key that msgspec's message names (`$.capacity_s`, or ``unknown field `capacty_s` ``), if found."""
    key = message.rpartition("$.")[2].partition("[")[0].partition("`")[0].partition(".")[0] if "$." in message else ""
    if "unknown field `" in message:
        key = message.partition("unknown field `")[2].partition("`")[0]
    for number, line in enumerate(text.splitlines(), start=1):
        if key and line.split("=")[0].strip().strip("[]") == key:
            return f":{number}"
    return ""
