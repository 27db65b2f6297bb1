import pytest

from harness.driving.inside.answer_checker import answer_checker

ANSWER = {"a": 1, "b": [2]}


@pytest.mark.parametrize("body", [b'{"a": 1, "b": [2]}', b' {"b":[2],\n"a":1}'])
def test_the_same_json_is_right_however_it_is_written(body: bytes) -> None:
    is_right = answer_checker(ANSWER)
    assert is_right(body)
    assert is_right(body), "remembered"


@pytest.mark.parametrize("body", [b'{"a": true, "b": [2]}', b'{"a": 1, "b": [2.0]}', b'{"a": "1", "b": [2]}'])
def test_a_value_of_another_type_is_wrong(body: bytes) -> None:
    assert not answer_checker(ANSWER)(body)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 2, "b": [2]}', b"\xff", b"[" * 100_000, b"9" * 10_000, b"null"])
def test_anything_else_is_wrong_and_no_crash(body: bytes) -> None:
    is_right = answer_checker(ANSWER)
    assert not is_right(body)
    assert is_right(b'{"a": 1, "b": [2]}')
    assert not is_right(body)
