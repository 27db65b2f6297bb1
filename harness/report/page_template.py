"""The HTML templates beside this file. Whatever is put into one is text, unless it says itself that it is markup."""

from __future__ import annotations

from pathlib import Path

import jinja2


def page_template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
