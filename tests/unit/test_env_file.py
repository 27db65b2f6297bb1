"""The expected values are those of python-dotenv 1.2.4."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.records.errors import UsageError
from harness.serving.env_file import read_env_file, variables_of
from harness.serving.own_app import own_app


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("# a comment\n\nA=1\n  export B = two # here\nC=\n", {"A": "1", "B": "two", "C": ""}),
        ("URL=http://u:p@h/?a=b#c\n", {"URL": "http://u:p@h/?a=b#c"}),
        ("A='x # y' # z\nB=\"x # y\"#z\nC=#x\nD= # x\n", {"A": "x # y", "B": "x # y", "C": "#x", "D": ""}),
        ("A=\"one\ntwo\"\nB='one\n\ntwo'\nC=3", {"A": "one\ntwo", "B": "one\n\ntwo", "C": "3"}),
        (r'A="a\nb\t\"c\"\\n"' + "\n" + r"B='a\nb\'c'" + "\n", {"A": 'a\nb\t"c"\\n', "B": r"a\nb'c"}),
        ("A=a\\nb\r\nB=it's\r\n", {"A": r"a\nb", "B": "it's"}),
        ("A=1\nB=${A}${SHELL_ONE}${NONE}${NONE:-x y}$A\nA=2\n", {"A": "2", "B": "1oursx y$A"}),
        ('SHELL_ONE=1\nB="${SHELL_ONE}"\n', {"SHELL_ONE": "1", "B": "1"}),
        ("\ufeffA=1\n'B C'=2\nMY.NAME-X=3\n", {"A": "1", "B C": "2", "MY.NAME-X": "3"}),
        ("A=1\nWITHOUT_VALUE\nexport B # none\nC=2", {"A": "1", "C": "2"}),
        ("", {}),
    ],
)
def test_a_file_is_read_as_python_dotenv_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("SHELL_ONE", "ours")
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    assert read_env_file(path) == variables


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nno thing\n", "2: is not NAME=value"),
        ('A="x\ny"\nB="x\nC=1\n', "3: is not NAME=value, or a quote in it is never closed"),
        ("A='x' hunter2\n", "1: is not NAME=value"),
        ("=hunter2\n", "1: is not NAME=value"),
        ("A=hun\0ter2\n", "1: holds a null character"),
    ],
)
def test_a_line_of_it_that_is_none_is_named_and_not_shown(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"^--env-file .*\.env:{words}") as refused:
        own_app("shop:app", tmp_path, env_file=path)
    assert "hunter2" not in str(refused.value)


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(st.characters(exclude_characters="\0\r$")))
)
def test_what_is_quoted_comes_back_as_it_was(variables: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    text = "".join(f"{name}={quoted(value)} # a comment\n" for name, value in variables.items())
    assert variables_of(text, {}) == variables


@given(st.text(st.sampled_from("A=\"'\\ \n#${}:-x"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        variables_of(text, {})
    except ValueError as error:
        assert "NAME=value" in str(error)
