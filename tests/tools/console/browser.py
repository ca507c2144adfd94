"""Debian's Chromium, driven by Playwright, and a console of its own process to look at."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

SHOTS = Path(__file__).parents[3] / "build" / "console"
"""Where the tests leave what they have seen."""

SIZES = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (390, 800, "light")}
"""Name -> width, height and colours of a window."""


def chromium():
    """Return the path of the browser; the test is skipped where there is none."""
    pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@contextmanager
def opened_browser():
    """Yield a browser."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    as_root = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=as_root)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(*roots, allow_run=True, options=()):
    """Yield the address of a console in a process of its own."""
    words = [sys.executable, "-m", "pystamps_hpc", "console", "--port", "0", *options]
    for root in roots:
        words += ["--dataset", str(root)]
    if allow_run:
        words.append("--allow-run")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process.stderr.readline().partition(": ")[2].strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


@contextmanager
def opened_page(browser, url, size="light", refused=()):
    """Yield a page that has complained of nothing and asked no other server, when it is left.

    Of answers with one of the statuses `refused` the browser may complain.
    """
    width, height, colours = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints, asked = [], []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    yield page
    base = url.partition("/?")[0]
    foreign = [each for each in asked if not each.startswith((base, f"blob:{base}"))]
    context.close()
    expected = tuple(f"Failed to load resource: the server responded with a status of {status}"
                     for status in refused)  # fmt: skip
    assert [text for text in complaints if not text.startswith(expected or "\0")] == []
    assert foreign == []


def keep(page, name):
    """Keep a picture of a page as what the test has seen."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def fits(page):
    """Whether a page is no wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
