"""The pages of runs, parameters and coverage in a real browser."""

import shutil

import pytest

from pystamps_hpc.dataset import parameters

from .browser import SIZES, fits, keep, opened_browser, opened_page, served

SCRIPT = "<img src=x onerror=hacked=1>"
"""A name that would do harm if it were read as HTML."""


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def site(browser, simulated, tmp_path_factory):
    """Root and address of a console over a small dataset, whose name is a script."""
    root = tmp_path_factory.mktemp("console") / SCRIPT
    shutil.copytree(simulated, root)
    with served(root) as url:
        yield root, url


def base_of(url):
    return url.partition("/?")[0]


def test_a_run_is_started_and_watched_to_its_end(browser, site):
    root, url = site
    with opened_page(browser, url) as page:
        page.get_by_text("No run goes on.").wait_for()
        assert "token" not in page.url
        page.get_by_role("button", name="What would run?").click()
        page.get_by_role("region", name="What a run would do").wait_for()
        page.get_by_role("button", name="Start", exact=True).click()
        page.locator(".banner .is-running").wait_for()
        page.locator(".matrix .is-r").first.wait_for()
        page.locator("#run .is-finished").wait_for(timeout=240_000)
        page.locator(".matrix .is-d").nth(8).wait_for()  # patches that are alike share a line
        assert page.locator(".matrix .is-m, .matrix .is-r, .matrix .is-w").count() == 0
        folder = next((root / ".pystamps-hpc" / "runs").iterdir())
        page.wait_for_function(
            "end => document.querySelector('.log').textContent.endsWith(end)",
            arg=(folder / "log").read_text(encoding="utf-8")[-200:],
        )
        assert page.locator(".timeline .bar").count() == 14
        assert page.get_by_text("velocities (v-do) of").first.is_visible()
        page.get_by_text("Report", exact=True).click()
        page.get_by_role("region", name="Times of the stages").wait_for()
        keep(page, "runs")


@pytest.mark.parametrize("size", SIZES)
def test_names_and_logs_are_shown_as_text(browser, site, size):
    root, url = site
    folder = root / ".pystamps-hpc" / "runs" / "20200101T000000Z-abcdef"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.jsonl").touch()
    (folder / "log").write_text(f"{SCRIPT}<script>hacked=1</script>\n", encoding="utf-8")
    with opened_page(browser, url, size) as page:
        page.get_by_role("button", name="20200101T000000Z-abcdef").click()
        page.get_by_text("<script>hacked=1</script>").wait_for()
        assert page.locator("#dataset option").first.inner_text() == SCRIPT
        assert page.evaluate("typeof hacked") == "undefined"
        assert fits(page)
        keep(page, f"log-{size}")


def test_pages_are_reached_with_the_keyboard_alone(browser, site):
    with opened_page(browser, site[1]) as page:
        page.locator(".matrix").first.wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.textContent") == "Coverage"
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Coverage and backends").wait_for()
        assert page.evaluate("document.activeElement.id") == "main"
        assert page.locator("nav [aria-current=page]").inner_text() == "Coverage"


def test_a_parameter_is_changed(browser, site):
    root, url = site
    with opened_page(browser, url, refused=[422]) as page:
        page.goto(f"{base_of(url)}/#/0/parameters")
        page.get_by_label("Find").fill("grid_size")
        page.get_by_role("button", name="unwrap_grid_size").click()
        page.get_by_label("Value").fill("100")
        page.get_by_role("button", name="What would follow?").click()
        page.get_by_text("With unwrap_grid_size = 100:").wait_for()
        assert parameters.load(root).value("unwrap_grid_size") == 200
        page.get_by_role("button", name="Change", exact=True).click()
        page.get_by_text("unwrap_grid_size is now 100.").wait_for()
        assert parameters.load(root).value("unwrap_grid_size") == 100
        keep(page, "parameters")
        page.get_by_label("Value").fill("-1")
        page.get_by_role("button", name="Change", exact=True).click()
        page.locator(".opened .problem").wait_for()
        page.get_by_role("button", name="Back to the default").click()
        page.get_by_text("unwrap_grid_size is now 200.").wait_for()


def test_the_choice_of_dark_and_light_stays(browser, site):
    with opened_page(browser, site[1], "light") as page:
        page.locator(".matrix").first.wait_for()
        before = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
        page.get_by_label("Theme").select_option("dark")
        page.reload()
        page.locator(".matrix").first.wait_for()
        assert page.get_by_label("Theme").input_value() == "dark"
        after = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
        assert before != after


def test_a_console_that_has_gone_is_told_and_comes_back_by_itself(browser, site):
    with opened_page(browser, site[1], refused=[503]) as page:
        page.locator(".matrix").first.wait_for()
        page.route("**/api/v1/**", lambda route: route.fulfill(status=503, json={"error": "busy"}))
        page.get_by_text("busy").wait_for()
        page.unroute("**/api/v1/**")
        page.get_by_text("busy").wait_for(state="detached")
