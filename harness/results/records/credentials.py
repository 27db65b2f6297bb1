"""What is a credential in a request. It is sent to the app, and never written to results or to a report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from harness.results.records.app_request import AppRequest

_REPLACED = "***"
_PLACE = re.compile(r"\{([^{}]*)\}")
_CAMEL_CASE = re.compile(r"([a-z0-9])([A-Z])")
_WORDS = frozenset({"auth", "bearer", "code", "csrf", "otp", "pass", "pin", "pwd", "session", "sid", "sig", "xsrf"})
_ENDINGS = (
    *("authorization", "cookie", "credential", "credentials", "jwt", "passphrase", "passwd", "password", "secret"),
    *("sessionid", "signature", "token"),
)
_KEYS = ("apikey", "accesskey", "privatekey", "secretkey")


def is_credential(name: str) -> bool:
    """By the name of a header, a parameter or a field: `Cookie`, `X-API-Key`, `access_token`, `userPassword`."""
    words = re.findall(r"[a-z0-9]+", _CAMEL_CASE.sub(r"\1 \2", name).lower())
    joined = "".join(words)
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in words) or any(key in joined for key in _KEYS)


def without_credentials(request: AppRequest) -> AppRequest:
    """For what is written: the values of credentials are replaced, in the headers, the path, the query and the body. A
    body that is neither JSON nor a form is replaced as a whole, since nobody knows what is in it."""
    path, mark, query = request.path.partition("?")
    return msgspec.structs.replace(
        request,
        path=f"{path_without_credentials(path, request.template)}{mark}{_replaced_pairs(query)}",
        headers={name: _REPLACED if is_credential(name) else value for name, value in request.headers.items()},
        body=None if request.body is None else _replaced_body(request.body, request.headers),
    )


def path_without_credentials(path: str, template: str) -> str:
    """`/reset/***` of `/reset/3f9a`, where the route `/reset/{token}` names it so."""
    names = _PLACE.findall(template)
    if not any(map(is_credential, names)):
        return path
    literals = [re.escape(part) for part in _PLACE.split(template)[::2]]
    found = re.fullmatch("(.+?)".join(literals), path, re.DOTALL)
    if found is None:
        return path
    values = [_REPLACED if is_credential(name) else value for name, value in zip(names, found.groups(), strict=True)]
    texts = _PLACE.split(template)[::2]
    return "".join(part for pair in zip(texts, [*values, ""], strict=True) for part in pair)


def _replaced_pairs(text: str) -> str:
    """`name=value&...`, as in a query or a form."""
    pairs = [(pair, *pair.partition("=")) for pair in text.split("&")]
    return "&".join(
        f"{name}={_REPLACED}" if is_credential(unquote_plus(name)) else pair for pair, name, _equals, _value in pairs
    )


def _replaced_body(body: bytes, headers: Mapping[str, str]) -> bytes:
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return _replaced_pairs(body.decode(errors="replace")).encode()
    try:
        value = json.loads(body)
        replaced = _replaced_fields(value)
        return body if replaced == value else json.dumps(replaced).encode()
    except (ValueError, RecursionError):
        return _REPLACED.encode()


def _replaced_fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _REPLACED if is_credential(name) else _replaced_fields(each) for name, each in value.items()}
    return [_replaced_fields(each) for each in value] if isinstance(value, list) else value
