"""A recording of a browser becomes requests to our own server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.results.records.app_request import AppRequest
from harness.results.records.errors import UsageError
from harness.serving.har import HarRequests, read_har

SHOP = "https://shop.example:8443"


def entry(
    path: str,
    method: str = "GET",
    status: int = 200,
    headers: dict[str, str] | None = None,
    data: dict[str, Any] | None = None,
    host: str = SHOP,
) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    request: dict[str, Any] = {"method": method, "url": host + path, "headers": named, "httpVersion": "HTTP/2"}
    if data is not None:
        request["postData"] = data
    return {"startedDateTime": "2026-11-29T00:00:00Z", "request": request, "response": {"status": status}}


def read(folder: Path, *entries: dict[str, Any], **options: Any) -> HarRequests:
    path = folder / "rec.har"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"log": {"version": "1.2", "entries": entries}}).encode())
    return read_har(path, **{"host": None, "with_credentials": False, "unsafe": False, **options})


def test_the_path_stays_and_what_belongs_to_the_browser_does_not(tmp_path: Path) -> None:
    headers = {
        **{":authority": "shop.example", ":path": "/a", "Host": "shop.example", "Connection": "keep-alive"},
        **{"Accept-Encoding": "gzip", "sec-ch-ua": "x", "Sec-Fetch-Mode": "cors", "If-None-Match": "1"},
        **{"Referer": "https://shop.example/?token=1", "Content-Length": "3", "TE": "trailers", "Upgrade": "h2c"},
        **{"Accept": "application/json", "X-Tenant": "t"},
    }
    found = read(tmp_path, entry("/a b?c=d%20e&f#part", headers=headers))
    assert found.requests == (
        AppRequest(path="/a%20b?c=d%20e&f", headers={"Accept": "application/json", "X-Tenant": "t"}, status=200),
    )
    assert found.said == f"{tmp_path}/rec.har: 1 request to shop.example:8443"


def test_credentials_come_only_when_they_are_asked_for(tmp_path: Path) -> None:
    headers = {"Cookie": "sid=1", "Authorization": "Bearer 2", "X-API-Key": "3", "x-csrf-token": "4", "Accept": "a"}
    without = read(tmp_path, entry("/", headers=headers))
    assert without.requests[0].headers == {"Accept": "a"}
    assert without.said.endswith("; sent without its cookies and keys (add --with-credentials)")
    whole = read(tmp_path, entry("/", headers=headers), with_credentials=True)
    assert (whole.requests[0].headers, whole.said) == (headers, f"{tmp_path}/rec.har: 1 request to shop.example:8443")


def test_a_cookie_that_was_split_is_one_again(tmp_path: Path) -> None:
    recorded = entry("/")
    recorded["request"]["headers"] = [{"name": name, "value": "a=1"} for name in ("cookie", "Cookie", "X-A", "x-a")]
    (request,) = read(tmp_path, recorded, with_credentials=True).requests
    assert request.headers == {"cookie": "a=1; a=1", "X-A": "a=1, a=1"}


def test_only_the_requests_to_one_host_are_taken(tmp_path: Path) -> None:
    entries = [
        *[entry("/a"), entry("/b"), entry("/x", host="https://user:pw@CDN.example"), entry("/", host="wss://shop")],
        *[entry("", host="data:text/html,hello"), entry("", host="http://[half")],
    ]
    found = read(tmp_path, *entries)
    assert [request.path for request in found.requests] == ["/a", "/b"]
    assert found.said == f"{tmp_path}/rec.har: 2 requests to shop.example:8443; left out: 4 to other hosts"
    assert [each.path for each in read(tmp_path, *entries, host="cdn.example").requests] == ["/x"]
    assert [each.path for each in read(tmp_path, *entries, host="SHOP.example").requests] == ["/a", "/b"]
    message = r"^--har-host shop: .*rec\.har has no request to it; its hosts are shop\.example:8443, cdn\.example$"
    with pytest.raises(UsageError, match=message):
        read(tmp_path, *entries, host="shop")


def test_what_may_change_something_is_left_out_unless_it_is_asked_for(tmp_path: Path) -> None:
    json_body = {"mimeType": "application/json", "text": '{"a": "ä"}'}
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "b c"}, {"name": "d"}]}
    binary = {"mimeType": "image/png", "text": "AP8=", "encoding": "base64"}
    parts = {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "file"}]}
    entries = [
        *[entry("/a"), entry("/a", "DELETE"), entry("/j", "POST", 201, data=json_body), entry("/f", "PUT", data=form)],
        *[entry("/b", "post", data=binary), entry("/m", "POST", data=parts), entry("/e", "POST", data={"text": ""})],
    ]
    found = read(tmp_path, *entries)
    assert [request.path for request in found.requests] == ["/a"]
    assert found.said.endswith("; left out: 6 that may change something (add --unsafe)")
    found = read(tmp_path, *entries, unsafe=True)
    assert found.said.endswith("; left out: 1 that cannot be sent")
    get, delete, post, put, image, empty = found.requests
    assert (get.method, delete.method, delete.body) == ("GET", "DELETE", None)
    assert post == AppRequest(
        method="POST", path="/j", headers={"Content-Type": "application/json"}, body='{"a": "ä"}'.encode(), status=201
    )
    assert (put.body, put.headers) == (b"a=b+c&d=", {"Content-Type": "application/x-www-form-urlencoded"})
    assert (image.method, image.body) == ("POST", b"\x00\xff")
    assert (empty.body, empty.headers) == (None, {})


def test_what_was_asked_often_is_one_request_with_a_weight(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        *[entry("/a", headers={"If-None-Match": "x"}, status=304), entry("/a"), entry("/a", status=0)],
        *[entry("/b", status=302), entry("/b", headers={"Accept": "x"}, status=404)],
        *[entry("/c", status=200), entry("/c", status=500), entry("/c", status=200), entry("/d", status=999)],
    )
    summary = [(each.path, each.weight, each.status) for each in found.requests]
    assert summary == [("/a", 3, 200), ("/b", 1, 302), ("/b", 1, 404), ("/c", 3, None), ("/d", 1, None)]


def test_what_http_cannot_send_and_what_has_no_answer_is_left_out(tmp_path: Path) -> None:
    odd = [entry("/", headers={"X": "a\r\nb"}), entry("/", headers={"a b": "c"}), entry("/", status=101)]
    assert read(tmp_path, entry("/a"), *odd).said.endswith("; left out: 3 that cannot be sent")
    with pytest.raises(UsageError, match=r"no request to shop\.example:8443 is left; left out: 3 that cannot be sent$"):
        read(tmp_path, *odd)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"log": {}}', b'{"log": {"entries": [{"request": {"method": "GET"}}]}}', b"\xff\xfe\x00"),
        *(b'{"log": {"entries": [{"request": {"method": "GET", "url": 3}}]}}', b'{"log": ' + b"[" * 100_000),
    ],
)
def test_what_is_no_har_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rec.har"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"^--har .*rec\.har: is no HAR file \(.+\); save it in the") as raised:
        read_har(path, host=None, with_credentials=False, unsafe=False)
    assert len(str(raised.value).splitlines()) == 1


def test_a_har_that_is_not_there_or_has_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--har .*none\.har: cannot be read \(No such file"):
        read_har(tmp_path / "none.har", host=None, with_credentials=False, unsafe=False)
    with pytest.raises(UsageError, match=r"has no HTTP request; record it again"):
        read(tmp_path)
