"""The page in a real browser. Skipped, with the reason, where none is installed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, executable

from edgepack.bundle.bundle import Bundle
from edgepack.report import to_html
from edgepack.rereport import rereport


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = executable()
    if path is None:
        pytest.skip("no Chromium here; on Debian: apt install chromium")
    with Browser(path) as found:
        yield found


@pytest.fixture(scope="module")
def page(bundle: Bundle, timings: Path, make: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = rereport(make(2, threshold=50.0).path, bench=json.loads(timings.read_text()), previous=bundle.path)
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 768, 1200])
@pytest.mark.parametrize("dark", [False, True])
def test_page_loads_alone_and_fits_the_screen(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page.as_uri(), width=width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1200])
def test_the_links_stay_in_reach_and_lead_to_what_is_not_hidden_behind_them(
    browser: Browser, page: Path, width: int
) -> None:
    browser.open(page.as_uri(), width=width)
    places: Any = browser.run("""[...document.querySelectorAll('nav a')].map(link => {
      document.getElementById(link.hash.slice(1)).scrollIntoView();
      const nav = document.querySelector('nav').getBoundingClientRect();
      return [nav.top, nav.bottom, document.querySelector(link.hash).getBoundingClientRect().top, scrollY] })""")
    assert len(places) >= 6
    for top, bottom, section, scrolled in places:
        assert scrolled > 0 and top == 0 and section >= bottom


def test_the_picture_shrinks_before_it_scrolls(browser: Browser, page: Path) -> None:
    found: Any = browser.run("""(() => { const svg = document.querySelector('svg.program');
      svg.parentElement.style.width = '10px';
      return [svg.getBoundingClientRect().width, +svg.getAttribute('width')] })()""")
    assert found[0] == pytest.approx(0.7 * found[1], abs=1)


def test_figures_on_the_page_equal_the_json(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    wrong: Any = browser.run("""(() => {
      const figures = JSON.parse(document.getElementById('figures').textContent);
      const found = [...document.querySelectorAll('data')];
      const at = path => path.split('/').slice(1).map(p => p.replaceAll('~1', '/').replaceAll('~0', '~'))
        .reduce((value, key) => value[key], figures);
      return {count: found.length, wrong: found.filter(e => at(e.dataset.path) !== JSON.parse(e.value)
        || !e.textContent.trim()).map(e => e.dataset.path)};
    })()""")
    assert wrong["count"] > 80
    assert wrong["wrong"] == []


def test_dark_and_light_have_contrast(browser: Browser, page: Path) -> None:
    papers = []
    for dark in (False, True):
        browser.open(page.as_uri(), dark=dark)
        lightness: Any = browser.run("""['body', 'section', '.soft', 'h1'].map(s => {
          const style = getComputedStyle(document.querySelector(s));
          const light = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => { v = v / 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 })
            .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
          return [light(style.color), light(style.backgroundColor)] })""")
        (_, paper), (_, card), (soft, _), (title, _) = lightness
        for ink, under in ((soft, card), (title, paper)):  # WCAG 2.2, 1.4.3: at least 4.5
            assert (max(ink, under) + 0.05) / (min(ink, under) + 0.05) >= 4.5
        papers.append(paper)
    assert papers[0] > 0.8 and papers[1] < 0.05


def test_screen_readers_find_landmarks_and_named_regions(browser: Browser, page: Path) -> None:
    browser.open(page.as_uri())
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n.get("ignored")}
    roles = {role for role, _ in named}
    assert {"banner", "main", "navigation", "contentinfo", "table", "columnheader", "rowheader"} <= roles
    assert ("region", "Parity with scikit-learn") in named
    assert any(role == "image" and name.startswith("The Program") for role, name in named)
