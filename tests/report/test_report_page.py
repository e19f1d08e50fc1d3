from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_models import HOSTILE

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.files import MANIFEST, measure
from edgepack.bundle.keys import generate_key, load_private_key
from edgepack.errors import SignatureError, UsageError
from edgepack.report import charts, to_html
from edgepack.report.page import pointed
from edgepack.rereport import place_of, rereport

UNITS = {"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "µs": 1, "ms": 1e3, "s": 1e6, "×": 1}


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, `<data>` with their text, the embedded JSON."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[tuple[dict[str, str | None], str]] = []
        self.json = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "data":
            self.data.append((dict(attributes), ""))

    def handle_data(self, text: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag == "data" and not self.data[-1][1]:
            self.data[-1] = (self.data[-1][0], text)
        if tag == "script" and attributes.get("id") == "figures":
            self.json += text


def read(text: str, form: str = "") -> float:
    match = re.fullmatch(r"(-?[\d.,]+(?:e[+-]?\d+)?) ?(\D*)", text)
    assert match, text
    return float(match[1].replace(",", "")) * UNITS[match[2].strip()]


@pytest.fixture(scope="module")
def document(bundle: Bundle, timings: Path, make: Callable[..., Bundle]) -> dict[str, Any]:
    other = make(2, threshold=50.0)
    return rereport(other.path, bench=json.loads(timings.read_text()), previous=bundle.path)


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> Page:
    return Page(to_html(document))


def test_page_holds_its_document(page: Page, document: dict[str, Any]) -> None:
    assert json.loads(page.json) == document


def test_every_figure_on_the_page_is_the_document_s(page: Page) -> None:
    document = json.loads(page.json)
    assert len(page.data) > 80
    for attributes, text in page.data:
        path = str(attributes["data-path"])
        value = pointed(document, path)
        assert json.loads(str(attributes["value"])) == value, path
        scale = 1e3 if path.endswith("_ms") else 1e6 if "megabytes" in path else 1
        assert math.isclose(read(text), value * scale, rel_tol=0.051, abs_tol=0.5 if value > 1 else 0), (path, text)


@pytest.mark.parametrize("part", ["verdicts", "bench", "artifacts", "changes", "summary"])
def test_every_part_has_figures_on_the_page(page: Page, part: str) -> None:
    assert any(str(attributes["data-path"]).startswith(f"/{part}/") for attributes, _ in page.data)


def test_cold_starts_memory_and_instructions_are_told_of_the_arms_that_have_them(document: dict[str, Any]) -> None:
    told = dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td>(.*?)</td></tr>', to_html(document)))
    text = {name: re.sub(r"<[^>]+>", "", cell) for name, cell in told.items()}
    assert (
        text["onnx, first answer"]
        == "1.49 s from the start of a fresh process: 212 ms to load, 840 µs for the first row"
    )
    assert "5.20 s until the server is ready" in text["REST, first answer"]
    assert text["onnx, C API, instructions"] == "34,784 per single row, by callgrind"
    assert text["onnx, C API loads in"] == "31.0 ms, in a process of 31.0 MB at most"
    assert "560.0 MB" in text["REST: memory"] and "REST loads in" not in text
    assert "scikit-learn, first answer" not in text
    assert "Ofcom" in text["REST, lte"]


def test_coverage_is_told_where_the_verdict_has_it(page: Page) -> None:
    told = {attributes["data-path"]: attributes["value"] for attributes, _ in page.data}
    assert told["/verdicts/0/coverage/leaves/reached"] == "20"
    assert told["/verdicts/0/coverage/split~1sides/reachable"] == "9"


def test_page_asks_for_nothing_and_runs_nothing(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "audio", "video", "img"), tag
        assert tag != "script" or attributes == {"type": "application/json", "id": "figures"}
        for name in ("src", "href", "srcset", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    policy = next(a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert policy and "default-src 'none'" in policy


def test_hostile_names_stay_text(document: dict[str, Any]) -> None:
    html = to_html(document)
    assert HOSTILE in json.dumps(document)
    assert HOSTILE not in html
    assert html.count("<script") == html.count("</script") == 1


def test_landmarks_and_tables_have_their_semantics(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("main"), tags.count("h1"), tags.count("nav")) == (1, 1, 1)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        if tag == "section":
            assert attributes["aria-labelledby"] in ids
        if tag == "th":
            assert attributes["scope"] in ("row", "col", "rowgroup")
        if tag == "a" and str(attributes["href"]).startswith("#"):
            assert str(attributes["href"])[1:] in ids
        if tag == "svg":
            assert attributes.get("role") == "img" or "aria-hidden" in str(attributes) or attributes.get("viewbox")


def test_sealed_report_is_signed_with_the_bundle(make: Callable[..., Bundle], tmp_path: Path) -> None:
    private, public = generate_key(tmp_path / "key.pem")
    signed = make(3, key=load_private_key(private))
    assert Bundle.open(signed.path, key=public).manifest.version == 3
    html = (signed.path / "report.html").read_text()
    assert json.loads(Page(html).json)["signature"]["state"] == "sealed"
    assert rereport(signed.path, key=public)["signature"]["state"] == "verified"
    assert rereport(signed.path)["signature"] == {"state": "present", "key": None, "identity": None}
    (signed.path / "report.html").write_text(html.replace("proved", "praised"))
    with pytest.raises(SignatureError, match=r"report\.html: changed"):
        rereport(signed.path, key=public)


def test_report_is_never_written_into_the_bundle(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="inside the bundle"):
        place_of(bundle.path, bundle.path / "new.html")
    assert place_of(bundle.path, None) == bundle.path.parent / "trips-1.report.html"


@pytest.mark.parametrize("bench", [{}, {"host": "x", "arms": [{"latencies": [{"p50_us": 1.0}]}]}, {"arms": 3}])
def test_what_is_no_benchmark_is_refused(bundle: Bundle, bench: Any) -> None:
    with pytest.raises(UsageError, match="edgepack bench"):
        rereport(bundle.path, bench=bench)


def test_timings_of_another_bundle_are_refused(make: Callable[..., Bundle], timings: Path) -> None:
    ours, other = make(5, threshold=50.0), make(6, threshold=60.0)
    found, others = (
        json.loads(timings.read_text()) | {"manifest_sha256": measure(bundle.path, MANIFEST).sha256}
        for bundle in (ours, other)
    )
    assert rereport(ours.path, bench=found)["bench"] == found
    with pytest.raises(UsageError, match=f"{others['manifest_sha256']}: the manifest of another bundle"):
        rereport(ours.path, bench=others)


def test_a_damaged_program_is_refused(make: Callable[..., Bundle]) -> None:
    damaged = make(4)
    path = damaged.path / "program.json"
    path.write_text(path.read_text().replace('"v0"', '"v9"', 1))
    with pytest.raises(SignatureError, match=r"program\.json"):
        rereport(damaged.path)


def test_an_infinite_error_is_told_by_name() -> None:
    from edgepack.report.numbers import figure

    assert [figure(x, "error") for x in ({"float": "inf"}, float("inf"), None, 1.25e-7)] == [
        "inf",
        "inf",
        "–",
        "1.2e-07",
    ]


def test_bars_of_errors_stand_on_the_errors_axis() -> None:
    exact, small, large = charts.error_bars({"0": 90, "1e-17": 1, "1e+00": 9})
    assert (exact["left"], exact["height"]) == (0.0, 100.0)
    assert small["left"] == charts.error_place(1e-17)
    assert 0 < small["height"] < large["height"] < 100
    assert large["left"] + large["width"] == pytest.approx(100, abs=0.02)
    assert charts.error_bars({}) == []
