"""The report in a real browser: it shows, asks nobody for anything, and nothing a file says is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from harness.analysis.analyse import analyse
from harness.report import page
from harness.report.app_page import write_app_page
from harness.results.store import Run
from tests import handmade_analysis as handmade
from tests import handmade_app
from tests.synthetic_run import write_synthetic_run

TITLE = "document.title='pwned'"
HOSTILE = (
    f"<script>{TITLE}</script>",
    f'<img src=x onerror="{TITLE}">',
    f'"><svg onload="{TITLE}">',
    f"</title></style></svg><script>{TITLE}</script>",
    f"--><script>{TITLE}</script>]]><script>{TITLE}</script>",
    f'\' onmouseover="{TITLE}" autofocus onfocus="{TITLE}" x=\'',
    f"javascript:{TITLE}",
    r"$\frac{1}{0}$ ${{7*7}}",
)


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    pytest.fail("no chromium, chromium-browser or google-chrome on PATH; .ci/run installs one (apt: chromium)")


def browse(address: str, *arguments: str) -> str:
    """What headless Chromium says; its own services are off, so that whatever it asks for is the page's doing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            chromium(),
            "--headless",
            "--no-sandbox",  # CI runs as root, where Chromium's sandbox does not start
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=10000",  # lets what comes after loading happen, without waiting for it
            f"--user-data-dir={profile}",
            *arguments,
            address,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def without_policy(html: str) -> str:
    found = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    assert found.search(html)
    return found.sub("", html)


def title(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert found, dom[:500]
    return found[1]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_synthetic_run(tmp_path_factory.mktemp("results") / "run")
    return page.write_page(run, analyse(run))


def test_the_browser_shows_every_section_and_chart(report: Path) -> None:
    dom = browse(report.as_uri(), "--dump-dom")
    for section in (
        "decisions",
        "claims",
        "w0",
        "w1",
        "health",
        "lag",
        "time",
        "comparisons",
        "slices",
        "about",
        "words",
    ):
        assert f'<section id="{section}">' in dom
    assert dom.count('role="img"') == report.read_text("utf-8").count('role="img"') > 10


def test_no_script_of_a_hostile_run_is_run(tmp_path: Path) -> None:
    """Also without the Content-Security-Policy, which would hide that something was not escaped."""
    hostile = "".join(HOSTILE)
    path = page.write_page(Run(tmp_path), handmade.analysis((*HOSTILE, hostile), (hostile, *HOSTILE[:2]), text=hostile))
    path.write_text(without_policy(path.read_text("utf-8")))
    dom = browse(path.as_uri(), "--dump-dom")
    assert title(dom) != "pwned"
    assert "<script" not in dom


def test_no_script_of_a_hostile_app_is_run(tmp_path: Path) -> None:
    hostile = "".join(HOSTILE)
    path = tmp_path / "app.html"
    write_app_page(path, handmade_app.hostile_report(handmade_app.analysis(), hostile), {hostile: f"{hostile}\n" * 20})
    path.write_text(without_policy(path.read_text("utf-8")))
    dom = browse(path.as_uri(), "--dump-dom")
    assert title(dom) != "pwned"
    assert "<script" not in dom
    assert '<section id="blocking">' in dom


def test_this_test_would_see_a_script_run(tmp_path: Path) -> None:
    path = tmp_path / "open.html"
    path.write_text(f"<title>calm</title>{HOSTILE[0]}")
    assert title(browse(path.as_uri(), "--dump-dom")) == "pwned"


def test_the_policy_stops_a_script_that_would_get_in(report: Path, tmp_path: Path) -> None:
    path = tmp_path / "injected.html"
    path.write_text(report.read_text("utf-8").replace("</body>", f"{HOSTILE[0]}</body>"))
    assert title(browse(path.as_uri(), "--dump-dom")) != "pwned"


def test_opened_over_http_it_asks_for_nothing_but_itself(report: Path) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = report.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        browse(f"http://127.0.0.1:{server.server_port}/report.html", "--dump-dom")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
    assert set(asked) - {"/favicon.ico"} == {"/report.html"}


@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_the_window(report: Path, tmp_path: Path, width: int) -> None:
    """Wide tables scroll inside the page; the page itself does not. It stands in a frame, since a headless window is
    never narrower than 500 pixels, and tells its widths to the page around it."""
    probe = (
        "<script>addEventListener('load', () => { const page = document.documentElement;"
        "parent.postMessage(`${page.clientWidth} ${page.scrollWidth}`, '*') })</script>"
    )
    (tmp_path / "probed.html").write_text(
        without_policy(report.read_text("utf-8")).replace("</head>", f"{probe}</head>")
    )
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<title>-</title><iframe width="{width}" height="800" src="probed.html"></iframe>'
        "<script>addEventListener('message', event => { document.title = event.data })</script>"
    )
    visible, whole = map(int, title(browse(frame.as_uri(), "--dump-dom", "--window-size=1500,900")).split())
    assert width - 20 <= whole <= visible <= width
