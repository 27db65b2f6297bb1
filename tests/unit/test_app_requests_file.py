"""`bench-app.toml`: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.records.app_request import AppRequest
from harness.results.records.errors import UsageError
from harness.serving.app_requests_file import entry_lines, read_requests, requests_text, write_requests_file
from harness.serving.openapi_routes import AppRoute, routes_of_schema
from harness.serving.request_entry import RequestEntry
from harness.serving.toml_value import toml_value

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
PAIRS = st.dictionaries(
    st.text(), st.text() | st.integers() | st.booleans() | st.lists(st.text(), min_size=1, max_size=2), max_size=3
)
NAMES = st.from_regex(r"[Xx]-[A-Za-z0-9.-]{1,5}", fullmatch=True)
ENTRIES = st.builds(
    RequestEntry,
    method=st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
    path=st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=20).map(lambda text: "/" + text),
    query=PAIRS,
    headers=st.dictionaries(NAMES, st.text(st.characters(min_codepoint=32, max_codepoint=126)), max_size=3),
    status=st.none() | st.integers(100, 599),
    weight=st.floats(0.001, 86_400),
    ignore=st.lists(st.text(), max_size=2).map(tuple),
)
BODIES = st.one_of(
    st.just({}),
    VALUES.map(lambda value: {"json": value}),
    PAIRS.map(lambda pairs: {"form": pairs}),
    st.text().map(lambda text: {"body": text}),
)


@given(entry=ENTRIES, body=BODIES)
def test_what_is_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, entry: RequestEntry, body: dict[str, Any]
) -> None:
    fields = {name: getattr(entry, name) for name in RequestEntry.__struct_fields__}
    whole = RequestEntry(**{**fields, **body})
    path = tmp_path_factory.mktemp("written") / "bench-app.toml"
    path.write_text("\n".join(entry_lines(whole)), encoding="utf-8")
    assert read_requests(path) == (whole.request(),)


@given(value=VALUES.filter(lambda value: "None" not in repr(value)))
def test_any_value_of_toml_is_read_back(value: Any) -> None:
    assert repr(tomllib.loads(f"a = {toml_value(value)}")["a"]) == repr(value)


def test_half_a_character_of_json_does_not_break_the_file() -> None:
    assert tomllib.loads(f"a = {toml_value(chr(0xD800) + 'x')}") == {"a": "?x"}


SCHEMA = {
    "paths": {
        "/quick": {"get": {"responses": {"200": {}, "422": {}}}},
        "/orders/{order}": {
            "get": {"parameters": [{"name": "order", "in": "path", "required": True}]},
            "delete": {"parameters": [{"name": "order", "in": "path", "required": True}]},
        },
        "/search": {
            "get": {
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "example": "a b"},
                    {"name": "X-Tenant", "in": "header", "required": True},
                ]
            }
        },
        "/orders": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"201": {}},
            }
        },
        "/bad\n\x1b[31m": {"get": {}},
    },
    "components": {
        "schemas": {
            "Order": {
                "required": ["item", "many", "tags"],
                "properties": {
                    "item": {"type": "string", "examples": ["pen"]},
                    "many": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
                    "tags": {"type": "array", "items": {"type": ["string", "null"]}},
                    "note": {"type": "string"},
                },
            }
        }
    },
}


def test_a_new_file_asks_what_can_be_asked_and_has_the_rest_as_comments(tmp_path: Path) -> None:
    path = tmp_path / "bench-app.toml"
    write_requests_file(path, "shop:app", routes_of_schema(SCHEMA))
    assert [request.path for request in read_requests(path)] == ["/quick", "/bad%0A%1B[31m"]
    text = path.read_text()
    assert '# GET /quick\n[[request]]\nmethod = "GET"\npath = "/quick"\nstatus = 200\nweight = 1.0\n' in text
    missing = "the path parameter `order` needs an example or a default in the schema, or a value here"
    assert f'# GET /orders/{{order}}: {missing}\n#[[request]]\n#method = "GET"\n#path = "/orders/{{order}}"\n' in text
    assert "# DELETE /orders/{order}: may change something. It is sent, several times, when " in text
    assert '#query = { q = "a b" }\n#headers = { X-Tenant = "" }\n' in text
    assert '#json = { item = "pen", many = 0, tags = [""] }\n#status = 201\n' in text


def test_a_request_is_sent_when_its_lines_are_no_comments_any_more(tmp_path: Path) -> None:
    path = tmp_path / "bench-app.toml"
    lines = requests_text("shop:app", routes_of_schema(SCHEMA)).replace("{order}", "7").splitlines()
    path.write_text(
        "\n".join(line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in lines)
    )
    found = read_requests(path)
    assert [request.method for request in found] == ["GET", "GET", "DELETE", "GET", "POST", "GET"]
    assert found[4] == AppRequest(
        method="POST",
        path="/orders",
        headers={"Content-Type": "application/json"},
        body=b'{"item":"pen","many":0,"tags":[""]}',
        status=201,
    )


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "bench-app.toml"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"bench-app\.toml: exists; edit it, or name another with --requests"):
        write_requests_file(path, "shop:app", [AppRoute("GET", "/", RequestEntry(path="/"))])
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[request]\n", r": not TOML: .* \(at line 1, column"),
        ("a = 2026-13-01\n", ": not TOML: "),
        (f"a = {'9' * 9999}\n", ": not TOML: "),
        (f"a = {'[' * 9999}\n", ": not TOML: "),
        ("[[requests]]\n", r": requests: is no key of this file; begin each request with \[\[request\]\]"),
        ("[request]\npath = '/'\n", r": request: is one table; write \[\[request\]\], with two brackets"),
        ("request = [1]\n", ": request 1: Expected `object`, got `int`; the keys are method, path"),
        ("# [[request]]\n", ": has no request; take the # away"),
        ("[[request]]\n", ": request 1: Object missing required field `path`; the keys are method, path"),
        (
            "[[request]]\npath='/'\n[[request]]\npath='/a'\nstauts=1\n",
            r": request 2 \(/a\): .*unknown field `stauts`; ",
        ),
        (
            "[[request]]\npath='/'\nstatus='201'\n",
            r": request 1 \(/\): status: Expected `int \| null`, got `str`; the ",
        ),
        ("[[request]]\npath='/'\nquery={a=2026-01-01}\n", r": request 1 \(/\): query: Expected `.*`, got `date`; the "),
        ("[[request]]\npath='/'\nweight=0\n", r": request 1 \(/\): weight: Expected `float` > 0"),
        ("[[request]]\npath='/{id}'\n", r": request 1 \(/\{id\}\): path: put a value in place of \{id\}"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_file_the_request_and_the_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bench-app.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"^{path}{words}") as raised:
        read_requests(path)
    assert len(str(raised.value).splitlines()) == 1


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--requests .*: is not there; --init writes one"):
        read_requests(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"^--requests .*: cannot be read"):
        read_requests(tmp_path / "binary.toml")
