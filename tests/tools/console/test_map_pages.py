"""Map, interferograms and selection in a browser: they show what the artifacts hold."""

import csv
import http.server
import io
import re
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("playwright")

from playwright.sync_api import expect

import pystamps_hpc
from pystamps_hpc.dataset import parameters
from pystamps_hpc.stages.shared.projection import local_coordinates
from pystamps_hpc.tools.products.points import read_points

from .browser import SIZES, fits, keep, opened_browser, opened_page, served


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(finished):
    with served(finished, allow_run=False) as url:
        yield url


@pytest.fixture
def opened(browser, address):
    """Return a function that opens a page, which must complain of nothing."""
    with ExitStack() as pages:
        yield lambda name, size="light": pages.enter_context(
            opened_page(browser, f"{address}#/0/{name}", size)
        )


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


def test_the_focus_stays_and_a_point_that_was_numbered_anew_is_dropped_with_a_word(opened):
    page = opened("map")
    drawn(page)
    choose(page, page.locator(".map").bounding_box(), 0.5, 0.5, 1)
    page.locator("#around").fill("500")
    page.keyboard.press("Enter")
    expect(page.locator(".series tbody tr").first.locator("td").nth(7)).not_to_have_text("1")
    expect(page.locator("#around")).to_be_focused()

    def renumbered(route):
        answer = route.fetch()
        found = answer.json()
        for each in found.get("series", ()):
            each["longitude"] += 0.01
        route.fulfill(response=answer, json=found)

    page.route("**/series?*", renumbered)
    page.locator("#around").fill("600")
    page.keyboard.press("Enter")
    expect(page.locator(".series")).to_contain_text("No longer chosen: PS")
    expect(page.locator(".series tbody tr")).to_have_count(0)


def test_an_older_layer_that_comes_late_is_not_shown(opened):
    page, held = opened("map"), []
    drawn(page)
    legend = page.locator(".legend")
    velocity = legend.inner_text()
    page.route("**/layer?type=height*", lambda route: held.append(route))
    page.locator("#type").select_option("height")
    page.locator("#type").select_option("coherence")
    expect(legend).not_to_have_text(velocity)
    page.wait_for_timeout(500)
    coherence = legend.inner_text()
    held[0].continue_()
    page.wait_for_timeout(1500)
    assert legend.inner_text() == coherence


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_fit_every_screen(opened, size):
    page = opened("map", size)
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
    keep(page, f"map-{size}")
    assert fits(page)
    for name, ready in (("ifgs", ".panel img[src]"), ("selection", ".charts .chart")):
        page.evaluate("name => { location.hash = `#/0/${name}`; }", name)
        page.wait_for_selector(ready)
        page.wait_for_timeout(400)
        keep(page, f"{name}-{size}")
        assert fits(page), name


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


def test_a_list_of_dropped_interferograms_is_stored_where_changes_are_allowed(
    browser, finished, tmp_path
):
    root = tmp_path / "scene"
    shutil.copytree(finished, root)
    with served(root) as url, opened_page(browser, f"{url}#/0/ifgs") as page:
        page.locator("#drop-list-3").check()
        page.locator("#drop-list-6").check()
        expect(page.locator(".outcome")).to_contain_text("Dropped would be 3, 6")
        page.locator("#apply-drop").click()
        page.wait_for_selector(".outcome", state="detached")
        assert parameters.load(root).value("drop_ifg_index") == (3, 6)
        assert page.locator("#drop-list-6").is_checked()
        page.locator("#drop-list-3").uncheck()
        page.locator("#drop-list-6").uncheck()
        expect(page.locator(".outcome")).to_contain_text("Dropped would be none")
        page.locator("#apply-drop").click()
        page.wait_for_selector(".outcome", state="detached")
        assert not parameters.load(root).value("drop_ifg_index")


def test_a_notebook_shows_the_map_in_its_frame(browser, finished):
    with pystamps_hpc.view(finished, height=700) as shown:

        class Cell(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(f"<!doctype html><body>{shown._repr_html_()}".encode())

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Cell) as notebook:
            threading.Thread(target=notebook.serve_forever, daemon=True).start()
            context = browser.new_context(viewport={"width": 1100, "height": 800})
            page = context.new_page()
            page.goto(f"http://localhost:{notebook.server_port}/")
            page.frame_locator("iframe").locator(".map[data-drawn]").wait_for(timeout=60_000)
            keep(page, "notebook")
            context.close()
            notebook.shutdown()
