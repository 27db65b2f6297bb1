from __future__ import annotations

import json

import pytest

from harness.results.records.app_request import AppRequest
from harness.results.records.credentials import is_credential, path_without_credentials, without_credentials

SECRET = "hunter2"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Cookie",
            "authorization",
            "Proxy-Authorization",
            "X-API-Key",
            "x-apikey",
            "api_key",
            "X-Auth",
            "X-CSRF-Token",
        ),
        *(
            "access_token",
            "accessToken",
            "userPassword",
            "client_secret",
            "sid",
            "PHPSESSID-session",
            "X-Amz-Signature",
        ),
    ],
)
def test_a_credential_is_known_by_its_name(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize(
    "name", ["Accept", "X-Tenant", "author", "key", "max_tokens", "X-Request-ID", "page", "inside"]
)
def test_other_names_are_none(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/json"}, json.dumps({"name": "a", "login": [{"password": SECRET}]}).encode()),
        ({"content-type": "application/x-www-form-urlencoded"}, f"name=a&password={SECRET}".encode()),
        ({"Content-Type": "multipart/form-data; boundary=x"}, f"--x\r\nanything\r\n{SECRET}".encode()),
        ({}, f"<password>{SECRET}</password>".encode()),
        ({}, None),
    ],
)
def test_what_is_written_has_none_and_the_rest_stays(headers: dict[str, str], body: bytes | None) -> None:
    request = AppRequest(
        method="POST",
        path=f"/login?access_token={SECRET}&page=2&flag",
        headers={**headers, "Cookie": f"sid={SECRET}", "X-API-Key": SECRET, "Accept": "text/html"},
        body=body,
        status=201,
    )
    written = without_credentials(request)
    assert SECRET not in repr(written)
    assert written.path == "/login?access_token=***&page=2&flag"
    assert written.headers == {**headers, "Cookie": "***", "X-API-Key": "***", "Accept": "text/html"}
    assert (written.method, written.status, written.body is None) == ("POST", 201, body is None)
    if body is not None and b"name" in body:
        assert b"name" in (written.body or b"")


def test_a_request_without_credentials_stays_as_it_is() -> None:
    request = AppRequest(path="/a?b=c%20d&e", headers={"Accept": "a"}, body=b'{"a": [1, {"b": null}]}')
    assert without_credentials(request) == request


@pytest.mark.parametrize(
    ("path", "template", "shown"),
    [
        (f"/reset/{SECRET}", "/reset/{token}", "/reset/***"),
        (f"/a/7/{SECRET}/x.{SECRET}", "/a/{id}/{api_key}/x.{sid}", "/a/7/***/x.***"),
        (f"/files/{SECRET}/b", "/files/{secret}", "/files/***"),
        ("/reset/***", "/reset/{token}", "/reset/***"),
        ("/orders/7", "/orders/{order}", "/orders/7"),
        ("/reset/", "/reset/{token}", "/reset/"),
        ("/a", "", "/a"),
    ],
)
def test_a_credential_in_a_path_is_known_by_the_name_that_its_route_has_for_it(
    path: str, template: str, shown: str
) -> None:
    assert path_without_credentials(path, template) == shown
    assert without_credentials(AppRequest(path=f"{path}?a=1", template=template)).path == f"{shown}?a=1"
