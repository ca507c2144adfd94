"""Pictures of a dataset: what is in them, what is written on them, which files they are."""

import re
import shlex

import numpy as np
import pytest

from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.errors import (
    ConfigError,
    DatasetError,
    MatError,
    PublishError,
    ToolMissingError,
)
from pystamps_hpc.tools.drawing.points import MOST_MARKERS
from pystamps_hpc.tools.network.report import read_network
from pystamps_hpc.tools.plots import selection
from pystamps_hpc.tools.plots.drawn import Page
from pystamps_hpc.tools.plots.histogram import coherence_of, plot_histogram
from pystamps_hpc.tools.plots.ifg_noise import noise_of_ifgs, plot_ifg_noise
from pystamps_hpc.tools.plots.network import plot_network
from pystamps_hpc.tools.plots.patches import Patches
from pystamps_hpc.tools.plots.selection import kept_by_stages, mean_amplitude, plot_selection
from pystamps_hpc.tools.plots.series import Around, judge, on_line, plot_series
from pystamps_hpc.tools.plots.value_maps import Columns, Look, plot_values
from pystamps_hpc.tools.products.time_series import at_point, read_series
from pystamps_hpc.tools.products.values import read_values
from pystamps_hpc.tools.products.velocity_map import velocity_map

from .test_products import MASTER, Result, with_phasors

pytest.importorskip("matplotlib")

BEGINS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


@pytest.fixture
def result(tmp_path):
    return Result(tmp_path / "set")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A dataset of 200,000 points, more than have a marker each."""
    return Result(tmp_path_factory.mktemp("crowd") / "set", n_ps=200_000)


@pytest.fixture
def figures(monkeypatch):
    """Figures that are saved."""
    from matplotlib.figure import Figure

    seen, save = [], Figure.savefig

    def spy(figure, *words, **more):
        seen.append(figure)
        save(figure, *words, **more)

    monkeypatch.setattr(Figure, "savefig", spy)
    return seen


def text_on(figure):
    return " ".join(" ".join(item.get_text() for item in figure.texts).split())


def values_at(lonlat, collection):
    """Return the value of the marker at each place."""
    known = {
        tuple(place): value
        for place, value in zip(
            collection.get_offsets().data.tolist(), collection.get_array().tolist(), strict=True
        )
    }
    return np.array([known[tuple(place)] for place in lonlat.tolist()])


def test_a_panel_has_a_map_with_the_values_of_each_column_and_its_date(result, figures, tmp_path):
    picture = plot_values(result.root, "u-dm", tmp_path / "u.png", Columns([4, 1, 2]))
    *maps, bar = figures[0].axes
    expected = read_values(result.root, "u-dm", ifgs=[4, 1, 2])
    assert [axes.get_title() for axes in maps] == [
        "4  2016-08-18",
        "1  2016-01-15",
        "2  2016-03-15",
    ]
    for k, axes in enumerate(maps):
        found = values_at(result.lonlat, axes.collections[0])
        np.testing.assert_allclose(found, expected.rows[:][:, k])
        assert axes.collections[0].get_clim() == tuple(picture.facts["limits"])
    every = np.sort(np.abs(expected.rows[:]).ravel())
    low, high = picture.facts["limits"]
    assert (low, high) == (-high, pytest.approx(every[-2], rel=0.1))
    assert bar.get_ylabel() == "rad, positive away from the satellite"
    told = text_on(figures[0])
    for words in (
        "Unwrapped phase",
        "(u-dm)",
        "400 persistent scatterers",
        "3 images, 2016-01-15 to 2016-08-18, master 2016-05-14",
        "Relative to the mean of all 400 PS",
        "Positive (red): away from the satellite",
        "Maps from 12.",
    ):
        assert words in told, words


def test_a_panel_says_against_what_its_maps_are_and_counts_as_the_drop_list(
    result, figures, tmp_path
):
    against = plot_values(result.root, "u", tmp_path / "u.png", Columns(ref_ifg=2))
    assert "Each map against number 2, 2016-03-15" in text_on(figures[0])
    assert against.facts["against"] == "number 2, 2016-03-15"
    with_phasors(result.root)
    plot_values(result.root, "w", tmp_path / "w.png", Columns(ref_ifg=-1))
    assert "Each map against the one before it" in text_on(figures[1])
    plot_values(result.root, "vdrop", tmp_path / "v.png")
    titles = [axes.get_title() for axes in figures[2].axes[:4]]
    assert [title.split()[0] for title in titles] == ["1", "2", "4", "5"]


def test_a_velocity_is_one_map_in_the_colours_of_the_velocity_map(result, figures, tmp_path):
    picture = plot_values(
        result.root, "v-do", tmp_path / "v.png", look=Look((-7.0, 3.0)), page=Page("Town")
    )
    axes, bar = figures[0].axes[:2]
    points = axes.collections[0]
    np.testing.assert_allclose(
        values_at(result.lonlat, points), read_values(result.root, "v-do").rows[:][:, 0]
    )
    assert points.get_clim() == (-7, 3)
    assert points.get_cmap().name == "motion"
    assert bar.get_ylabel() == "mm/yr, positive towards the satellite"
    told = text_on(figures[0])
    assert "Town" in told
    assert "Positive (blue): towards the satellite" in told
    assert "4 images beside the master, 2016-01-15 to 2017-01-09, master 2016-05-14" in told
    assert picture.facts["maps"] == [{"number": 1, "date": "", "without_value": 0}]


def test_the_map_of_a_run_and_that_of_plot_have_the_same_page_and_words(result, figures, tmp_path):
    limits = plot_values(result.root, "v-do", tmp_path / "p.png").facts["limits"]
    velocity_map(result.root, tmp_path / "m.png", limit=limits[1])
    plotted, left = figures
    assert text_on(plotted).replace("4 images beside the master", "5 images") == text_on(left)
    assert (plotted.get_size_inches() == left.get_size_inches()).all()
    drawn = [figure.axes[0].collections[0] for figure in figures]
    assert drawn[0].get_clim() == drawn[1].get_clim()
    assert plotted.axes[1].get_ylabel() == left.axes[1].get_ylabel()


def test_wrapped_phase_has_the_colours_of_a_cycle_and_deviations_begin_at_the_least(
    result, figures, tmp_path
):
    phasors = np.exp(1j * read_mat(result.root / "phuw2.mat")["ph_uw"]).astype(np.complex64)
    write_mat(result.root / "rc2.mat", {"ph_rc": phasors})
    plot_values(result.root, "w", tmp_path / "w.png", Columns([1]))
    points = figures[0].axes[0].collections[0]
    assert points.get_cmap().name == "cycle"
    assert points.get_clim() == (-np.pi, np.pi)
    found = values_at(result.lonlat, points)
    np.testing.assert_allclose(found, np.angle(phasors[:, 0]), atol=1e-6)
    assert "Relative to no reference area" in text_on(figures[0])
    plot_values(result.root, "vs", tmp_path / "vs.png")
    points = figures[1].axes[0].collections[0]
    assert points.get_cmap().name == "spread"
    assert 0 < points.get_clim()[0] < points.get_clim()[1]


def test_points_without_a_value_are_left_out_and_counted(result, figures, tmp_path):
    phase = read_mat(result.root / "phuw2.mat")["ph_uw"]
    phase[:30, 1], phase[50:57, 3] = np.nan, np.nan
    write_mat(result.root / "phuw2.mat", {"ph_uw": phase})
    picture = plot_values(result.root, "u", tmp_path / "u.png")
    drawn = [len(axes.collections[0].get_offsets()) for axes in figures[0].axes[:5]]
    assert drawn == [400, 370, 400, 393, 400]
    assert [row["without_value"] for row in picture.facts["maps"]] == [0, 30, 0, 7, 0]
    assert "0 to 30 points without a value are left out of each map" in text_on(figures[0])
    plot_values(result.root, "u", tmp_path / "one.png", Columns([2]))
    assert "30 points without a value are left out." in text_on(figures[1])
    write_mat(result.root / "phuw2.mat", {"ph_uw": np.full_like(phase, np.nan)})
    with pytest.raises(DatasetError, match="no PS has a value of type u"):
        plot_values(result.root, "u", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_the_reference_area_is_marked_and_told(result, figures, tmp_path):
    known = parameters.load(result.root).with_values(
        {"ref_centre_lonlat": (12.3, 44.1), "ref_radius": 1500.0}
    )
    parameters.save(known)
    ref_ps = read_values(result.root, "u").ref_ps
    plot_values(result.root, "u", tmp_path / "u.png")
    plot_values(result.root, "vs", tmp_path / "vs.png")  # of a line that has a reference
    assert f"Relative to the mean of {len(ref_ps)} PS around 12." in text_on(figures[1])
    for axes in (*figures[0].axes[:5], figures[1].axes[0]):
        (outline,) = axes.patches
        np.testing.assert_allclose(outline.get_xy(), result.lonlat[ref_ps].min(axis=0))
    assert f"Relative to the mean of {len(ref_ps)} PS around 12." in text_on(figures[0])


def test_the_ground_lies_under_the_points(result, figures, tmp_path):
    plot_values(result.root, "v-do", tmp_path / "v.png", look=Look(hillshade=True))
    axes = figures[0].axes[0]
    (shade,) = axes.images
    assert shade.get_zorder() < axes.collections[0].get_zorder()
    assert shade.get_extent() == [*axes.get_xlim(), *axes.get_ylim()]
    assert "Ground: heights of the points" in text_on(figures[0])
    (result.root / "hgt2.mat").unlink()
    with pytest.raises(DatasetError, match=r"hgt2.mat: file does not exist.*--end-step 5 makes"):
        plot_values(result.root, "v-do", tmp_path / "n.png", look=Look(hillshade=True))


@pytest.mark.parametrize("suffix", BEGINS)
def test_a_few_points_are_drawn_one_by_one_with_letters_that_stay_letters(suffix, tmp_path):
    result = Result(tmp_path / "set", n_ps=100)
    path = plot_values(result.root, "v-do", tmp_path / f"v.{suffix}").file
    content = path.read_bytes()
    assert content.startswith(BEGINS[suffix])
    if suffix == "svg":
        assert b"towards the satellite" in content
        assert b"Mean velocity" in content
        assert content.count(b"<use ") > 100


@pytest.mark.parametrize("suffix", BEGINS)
def test_many_points_are_one_image_in_a_page_of_letters_and_lines(crowd, suffix, tmp_path, figures):
    path = plot_values(crowd.root, "v-do", tmp_path / f"v.{suffix}").file
    content = path.read_bytes()
    assert content.startswith(BEGINS[suffix])
    (image,) = figures[0].axes[0].images
    shown = image.get_array()
    assert len(crowd.lonlat) > MOST_MARKERS
    assert not figures[0].axes[0].collections
    assert float(shown.mean()) == pytest.approx(0, abs=0.5)
    assert shown.std() < crowd.velocity.std()
    assert "Each cell shows the mean of its points, of 200,000 in all" in text_on(figures[0])
    if suffix == "svg":
        assert b"Mean velocity" in content
        assert content.count(b"<image ") <= 2  # the points, the colours
        assert len(content) < 3e6
    if suffix == "pdf":
        assert len(re.findall(rb"/Subtype /Image", content)) <= 4  # each with its mask
        assert len(content) < 3e6


def test_what_cannot_be_drawn_is_refused_before_anything_is_read(result, tmp_path, monkeypatch):
    kept = tmp_path / "there.png"
    kept.write_bytes(b"mine")
    monkeypatch.setattr(
        "pystamps_hpc.tools.plots.value_maps.read_values", lambda *_: pytest.fail("read")
    )
    for path, error, told in (
        ("v.jpg", ConfigError, "must end in .png, .pdf or .svg"),
        ("there.png", DatasetError, "exists; --force replaces it"),
        ("there.png/v.png", PublishError, "cannot publish"),
    ):
        with pytest.raises(error, match=told):
            plot_values(result.root, "v-do", tmp_path / path)
    assert kept.read_bytes() == b"mine"
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ToolMissingError, match="matplotlib is not installed: plot needs it"):
        plot_values(result.root, "v-do", tmp_path / "v.png")
    for limits in ((3.0, 1.0), (1.0, 1.0), (np.nan, 1.0)):
        with pytest.raises(ConfigError, match="the lower first"):
            Look(limits)


def test_the_series_of_a_point_has_its_line_its_deviations_and_its_outliers(
    result, figures, tmp_path
):
    lon, lat = result.lonlat.mean(axis=0)
    picture = plot_series(result.root, Around((lon, lat), 3000.0), tmp_path / "ts.png")
    series = read_series(result.root)
    point = at_point(series, (lon, lat), 3000.0)
    moved = result.displacement[point.ps][:, [0, 1, 3, 4]]
    np.testing.assert_allclose(point.deviation, moved.std(axis=0, ddof=1), atol=0.01)
    axes = figures[0].axes[0]
    (points,) = axes.containers
    np.testing.assert_allclose(points.lines[0].get_ydata(), point.displacement)
    bars = np.array([np.ptp(line[:, 1]) for line in points.lines[2][0].get_segments()])
    np.testing.assert_allclose(bars, 2 * point.deviation)
    velocity = result.velocity[point.ps].mean()
    assert picture.facts["velocity_mm_per_year"] == pytest.approx(velocity, abs=0.02)
    told = text_on(figures[0])
    assert f"Mean of {len(point.ps)} PS within 3000 m of 12." in told
    assert f"{abs(velocity):.2f}" in told
    assert "of the PS around their mean" in told


def test_a_series_less_another_and_that_of_the_nearest_ps(result, figures, tmp_path):
    one, other = result.lonlat[[3, 9]].tolist()
    around = Around(tuple(one), None, tuple(other))
    picture = plot_series(result.root, around, tmp_path / "ts.pdf")
    moved = result.displacement[3] - result.displacement[9]
    (points,) = figures[0].axes[0].containers
    np.testing.assert_allclose(points.lines[0].get_ydata(), moved[[0, 1, 3, 4]], atol=0.02)
    assert (picture.facts["ps"], picture.facts["minus_ps"]) == (1, 1)
    assert "PS 4 next to" in text_on(figures[0])
    assert "minus PS 10 next to" in text_on(figures[0])
    with pytest.raises(DatasetError, match="no PS within 1000 m"):
        plot_series(result.root, Around((12.3, 60.0)), tmp_path / "none.png")


def test_a_date_far_from_the_line_is_an_outlier(result):
    series = read_series(result.root)
    days = 736344 + 12.0 * np.arange(40)
    points = {**series.points, "master_day": days[20]}
    series = type(series)(**{**vars(series), "day": days, "points": points})
    rng = np.random.default_rng(2)
    moved = 3 * series.elapsed / 365.25 + rng.normal(0, 1, 40)
    moved[31] += 12
    moved[5] = np.nan
    judged = judge(series, moved, np.full(40, np.nan))
    assert np.flatnonzero(judged.far).tolist() == [31]
    left = (moved - on_line(series, judged.line))[np.isfinite(moved)]
    assert judged.error[0] == pytest.approx(np.sqrt((left**2).sum() / 37))


def test_the_histogram_counts_candidates_random_ones_and_those_kept(finished, figures, tmp_path):
    picture = plot_histogram(finished, tmp_path / "h.png")
    patches = [read_mat(finished / name / "pm1.mat") for name in ("PATCH_1", "PATCH_2")]
    selects = [read_mat(finished / name / "select1.mat") for name in ("PATCH_1", "PATCH_2")]
    coherence = np.concatenate([found["coh_ps"].ravel() for found in patches])
    expected, _ = np.histogram(coherence[coherence > 0], np.linspace(0, 1, 101))
    found = coherence_of(Patches.of(finished))
    assert np.abs(found.candidates - expected).sum() <= 4  # at edges of bins
    assert found.kept.sum() == sum(select["keep_ix"].sum() for select in selects)
    # random ones are as many as candidates of low coherence
    assert found.random[:31].sum() == pytest.approx(found.candidates[:31].sum(), rel=1e-6)
    assert picture.facts["gamma_threshold"] == pytest.approx(
        np.median([np.median(select["coh_thresh"]) for select in selects])
    )
    bars, dispersion, noise = figures[0].axes
    heights = np.array([bar.get_height() for bar in bars.containers[0]])
    np.testing.assert_array_equal(heights, found.candidates)
    assert dispersion.get_xlabel() == "amplitude dispersion D_A"
    limit = parameters.load(finished).value("weed_standard_dev")
    assert noise.lines[0].get_xdata()[0] == limit
    weeded = [read_mat(finished / name / "weed1.mat") for name in ("PATCH_1", "PATCH_2")]
    nodes = sum(found["ps_std"].size for found in weeded)
    assert sum(bar.get_height() for bar in noise.containers[0]) == nodes


def test_the_selection_shows_each_pixel_once_and_what_each_stage_kept(finished, tmp_path, figures):
    patches = Patches.of(finished)
    counts = {each.name: len(each.places) for each in kept_by_stages(patches)}
    places = [
        read_mat(finished / name / "ps1.mat")["ij"][:, 1:] for name in patches.dataset.patches
    ]
    assert counts["candidates"] == len({tuple(place) for part in places for place in part.tolist()})
    kept = [read_mat(folder / "weed1.mat")["ix_weed"].sum() for folder in patches.folders]
    assert counts["merged, stage 5"] == read_mat(finished / "ps2.mat")["n_ps"]
    assert counts["merged, stage 5"] <= counts["left by weeding, stage 4"] <= sum(kept)
    picture = plot_selection(finished, tmp_path / "s.png")
    assert picture.facts["kept"] == counts
    titles = [axes.get_title() for axes in figures[0].axes]
    assert [title.partition(":")[0] for title in titles] == list(counts)
    assert "No patch has a mean_amp.flt" in text_on(figures[0])


def test_a_weeding_of_another_selection_is_refused_by_name(damaged, tmp_path):
    file = damaged / "PATCH_2" / "weed1.mat"
    weed = read_mat(file)
    write_mat(file, weed | {"ix_weed": weed["ix_weed"][:-1]})
    for draw in (plot_selection, plot_histogram):
        with pytest.raises(DatasetError, match=r"PATCH_2/weed1.mat: 'ix_weed' has .*run stage 4"):
            draw(damaged, tmp_path / "p.png")


def test_the_mean_amplitude_lies_where_its_patch_says(tree, tmp_path):
    patches = Patches.of(tree)
    frame = selection.Frame(3.0, 6.0, 10.0, 40.0, 80.0, 20.0)
    assert mean_amplitude(patches, frame) is None
    whole = np.random.default_rng(0).uniform(1, 9, (80, 40)).astype("<f4")
    for folder, (left, right) in zip(patches.folders, ((11, 25), (20, 40)), strict=True):
        (folder / "patch.in").write_text(f"{left}\n{right}\n21\n80\n")
        whole[20:80, left - 1 : right].tofile(folder / "mean_amp.flt")
    found = mean_amplitude(patches, frame)
    rows = (20 + (np.arange(found.shape[0]) + 0.5) * 60 / found.shape[0]).astype(int)
    samples = (10 + (np.arange(found.shape[1]) + 0.5) * 30 / found.shape[1]).astype(int)
    np.testing.assert_array_equal(found, whole[np.ix_(rows, samples)])


def test_the_noise_of_the_interferograms_is_that_of_the_artifacts(finished, figures, tmp_path):
    picture = plot_ifg_noise(finished, tmp_path / "n.svg")
    stored = read_mat(finished / "ifgstd2.mat")["ifg_std"].ravel()
    bars = [bar.get_height() for bar in figures[0].axes[0].containers[0]]
    network = read_network(finished)
    np.testing.assert_allclose(bars, stored[network.ifgs.columns])
    arcs = [bar.get_height() for bar in figures[0].axes[1].containers[0]]
    np.testing.assert_allclose(arcs, network.arc_noise)
    scn = read_mat(finished / "scn2.mat")["ph_scn_slave"]
    bars = [bar.get_height() for bar in figures[0].axes[-1].containers[0]]
    np.testing.assert_allclose(bars, scn.std(axis=0, ddof=1), rtol=1e-6, atol=1e-9)
    assert picture.facts["measures"][-1] == "SCN of the images [rad]"


def test_a_noisy_interferogram_is_beyond_the_limit_unless_it_is_dropped(result, tmp_path):
    noise = np.array([20, 22, 0, 70, 21], np.float32)
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": noise[:, None]})
    assert plot_ifg_noise(result.root, tmp_path / "n.png").facts["beyond_limit"] == [4]
    parameters.save(parameters.load(result.root).set_value("drop_ifg_index", [4]))
    assert not noise_of_ifgs(result.root)[0][0].noisy.any()


def test_what_the_picture_marks_is_what_the_network_is_judged_by(result, tmp_path):
    # far from the median, but not from each other: 1.5 medians alone would mark the last
    noise = np.array([20, 32, 0, 46, 60], np.float32)
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": noise[:, None]})
    picture = plot_ifg_noise(result.root, tmp_path / "n.png")
    assert picture.facts["limit_deg"] == read_network(result.root).noise_limit > 60
    assert picture.facts["beyond_limit"] == []
    write_mat(result.root / "ifgstd2.mat", {"ifg_std": noise[:4, None]})
    with pytest.raises(MatError, match=r"ifgstd2.mat: key 'ifg_std' has shape"):
        plot_ifg_noise(result.root, tmp_path / "m.png")


def test_what_is_missing_is_named_with_the_command_that_makes_it(tree, result, tmp_path):
    with pytest.raises(DatasetError, match=r"no patch has pm1.mat; .*--end-step 2 makes it"):
        plot_histogram(tree, tmp_path / "h.png")
    with pytest.raises(DatasetError, match=r"no patch has ps1.mat; .*--end-step 1 makes it"):
        plot_selection(tree, tmp_path / "s.png")
    (result.root / "phuw2.mat").unlink()
    with pytest.raises(DatasetError, match=r"phuw2.mat: file does not exist.*--end-step 6 makes"):
        plot_values(result.root, "u", tmp_path / "u.png")
    with pytest.raises(DatasetError, match=r"ifgstd2.mat: file does not exist"):
        plot_ifg_noise(result.root, tmp_path / "n.png")
    write_mat(result.root / "ps2.mat", {**read_mat(result.root / "ps2.mat"), "n_ps": 0.0})
    with pytest.raises(DatasetError, match="holds 0 PS"):
        plot_values(result.root, "v-do", tmp_path / "v.png")
    assert not list(tmp_path.glob("*.png"))


def test_the_command_that_makes_what_is_missing_is_one_that_a_shell_reads(tree, tmp_path):
    early, late = tree.rename(tmp_path / "our town"), Result(tmp_path / "her town").root
    for draw, root, made in ((plot_histogram, early, "2"), (plot_ifg_noise, late, "5")):
        with pytest.raises(DatasetError) as raised:
            draw(root, tmp_path / "h.png")
        words = shlex.split(str(raised.value).partition(" pystamps-hpc ")[2].partition(";")[0])
        assert words[:5] == ["run", "--dataset", str(root), "--end-step", made]


def test_the_network_is_a_picture_among_others(result, figures, tmp_path):
    picture = plot_network(result.root, tmp_path / "net.pdf", Page("Small town"))
    assert (picture.facts["images"], picture.facts["interferograms"]) == (5, 4)
    assert figures[0].axes[0].get_title(loc="left").startswith("Small town: 5 images, 4 inter")
    assert MASTER == 2
    with pytest.raises(DatasetError, match="exists"):
        plot_network(result.root, tmp_path / "net.pdf")
