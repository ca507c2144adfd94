"""Map, interferograms and selection in a browser: they show what the artifacts hold."""

import csv
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("playwright")

from playwright.sync_api import expect, sync_playwright

import pystamps_hpc
from pystamps_hpc.stages.shared.projection import local_coordinates
from pystamps_hpc.tools.products.points import read_points

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PICTURES = Path("build/console")
SIZES = {"wide": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(finished):
    with pystamps_hpc.view(finished) as shown:
        yield shown.url.partition("#")[0]


@pytest.fixture
def opened(browser, address):
    """Return a function that opens a page; a message of the browser fails the test."""
    contexts, messages = [], []

    def open_page(name, size="wide", theme="light"):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme,
            has_touch=size == "phone", accept_downloads=True,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(f"{address}#/0/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert messages == []


def picture(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def drawn(page, before=0):
    """Wait for a new picture of the map; return its number."""
    page.wait_for_function(
        "before => Number(document.querySelector('.map')?.dataset.drawn ?? 0) > before", arg=before
    )
    return int(page.locator(".map").get_attribute("data-drawn"))


def choose(page, box, across, down, count):
    """Click around a place of the map until so many points are chosen."""
    for step in range(12):
        page.mouse.click(
            box["x"] + box["width"] * across + 9 * step, box["y"] + box["height"] * down
        )
        try:
            expect(page.locator(".series .chart .band")).to_have_count(count, timeout=1500)
        except AssertionError:
            continue
        return
    raise AssertionError("no point was chosen")


def number(text):
    return float(text.replace("−", "-"))


def test_a_clicked_point_has_the_series_of_the_artifacts(opened, finished):
    page = opened("map")
    drawn(page)
    map_ = page.locator(".map")
    box = map_.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".series .chart")
    row = page.locator(".series tbody tr").first.locator("td").all_inner_texts()
    ps = int(row[1])
    points = read_points(finished)
    lonlat = points.velocities.lonlat
    middle = np.array([(lonlat.max(axis=0) + lonlat.min(axis=0)) / 2])[0]
    away = np.hypot(*local_coordinates(lonlat, middle).T)
    assert away[ps - 1] < np.sort(away)[3]  # the click is a pixel wide
    velocity, deviation = re.match(r"(\S+) ± (\S+)", row[3]).groups()
    block = next(points.blocks(len(points)))
    assert number(velocity) == pytest.approx(block.values["velocity"][ps - 1], abs=0.011)
    assert number(deviation) == pytest.approx(block.values["velocity_deviation"][ps - 1], abs=0.006)
    page.get_by_text("The numbers as a table").click()
    shown = page.locator("#series-table tbody tr").all_inner_texts()
    dates, moved = zip(*(line.split("\t") for line in shown), strict=True)
    assert list(dates) == [str(day) for day in points.dates]
    np.testing.assert_allclose(
        [number(each) for each in moved], block.displacement[ps - 1], atol=6e-3
    )
    assert "positive: towards the satellite" in page.locator(".series").inner_text()


def test_what_is_seen_is_downloaded(opened, finished):
    page = opened("map")
    drawn(page)
    with page.expect_download() as waited:
        page.locator("#download-csv").click()
    table = list(csv.DictReader(io.StringIO(Path(waited.value.path()).read_text())))
    points = read_points(finished)
    assert [int(each["id"]) for each in table] == list(range(1, len(points) + 1))
    velocity = [float(each["velocity"]) for each in table]
    np.testing.assert_allclose(velocity, points.velocities.velocity, atol=6e-4)


def test_the_map_is_used_with_the_keyboard_alone(opened):
    page = opened("map")
    seen = drawn(page)
    page.locator(".map").focus()
    page.keyboard.press("+")
    seen = drawn(page, seen)
    page.keyboard.press("ArrowLeft")
    seen = drawn(page, seen)
    page.keyboard.press("0")
    seen = drawn(page, seen)
    page.keyboard.press("Enter")
    page.wait_for_selector(".series .chart")
    page.locator("#coherence").focus()
    page.keyboard.press("ArrowRight")
    drawn(page, seen)
    assert page.locator("output[for=coherence]").inner_text() == "0.05"


def test_two_points_are_told_apart_without_colours_and_one_is_taken_off_the_other(opened):
    page = opened("map")
    drawn(page)
    box = page.locator(".map").bounding_box()
    for count, across in enumerate((0.45, 0.55), 1):
        choose(page, box, across, 0.5, count)
    expect(page.locator(".series .chart .band")).to_have_count(2)
    lines = page.locator(".series .chart .stroke")
    dashes = {lines.nth(k).get_attribute("stroke-dasharray") for k in range(2)}
    marks = page.locator(".series .chart .mark")
    shapes = {marks.nth(k).get_attribute("d") for k in range(marks.count())}
    assert (len(dashes), len(shapes)) == (2, 2)
    first = page.locator(".series tbody tr").first.locator("td").nth(1).inner_text()
    page.locator("#minus").select_option(first)
    expect(page.locator(".series .chart .band")).to_have_count(1)
    assert f"relative to PS {first}" in page.locator(".series").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_fit_every_screen(opened, size, theme):
    page = opened("map", size, theme)
    drawn(page)
    box = page.locator(".map").bounding_box()
    for count, (across, down) in enumerate(((0.5, 0.5), (0.42, 0.4)), 1):
        choose(page, box, across, down, count)
    page.get_by_role("button", name="Reference").click()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6)
    page.get_by_role("button", name="Profile").click()
    for across in (0.3, 0.7):
        page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.55)
    page.wait_for_selector(".profile .chart")
    page.wait_for_timeout(600)
    picture(page, f"map-{size}-{theme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name, ready in (("ifgs", ".panel img[src]"), ("selection", ".charts .chart")):
        page.evaluate("name => { location.hash = `#/0/${name}`; }", name)
        page.wait_for_selector(ready)
        page.wait_for_timeout(400)
        picture(page, f"{name}-{size}-{theme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_dropping_an_interferogram_shows_which_stages_would_run_again(opened):
    page = opened("ifgs")
    page.wait_for_selector(".panel img[src]")
    page.locator("#drop-map-3").check()
    page.wait_for_selector(".outcome")
    assert "stages 3, 4, 5, 6, 7, 8" in page.locator(".outcome").inner_text()
    assert page.locator("#drop-list-3").is_checked()
    assert page.locator("#apply-drop").count() == 0  # the console only reads
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(".outcome", state="detached")
    assert not page.locator("#drop-list-3").is_checked()
