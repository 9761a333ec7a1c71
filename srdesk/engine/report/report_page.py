"""The page of a report as text: HTML 5 with everything inside, light and dark, and fit to be printed.

Whatever comes from outside (names, headers, cards) goes through `escaped`. The page also forbids itself scripts and
the network, by a policy that every browser keeps.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from srdesk.imaging.image import Box

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """\
:root { color-scheme: light dark; --ink: #1c1e21; --faint: #5c6370; --line: #d5d9de; --paper: #ffffff;
  --card: #f5f6f8; --mark: #b3261e; --note: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #9aa3af; --line: #3a3f47; --paper: #16181b;
  --card: #1f2226; --mark: #ff8a80; --note: #3a3115; } }
@media print { :root { color-scheme: light; --ink: #000; --faint: #444; --line: #bbb; --paper: #fff; --card: #fff;
  --mark: #b3261e; --note: #fff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { margin: .4rem 0; max-width: 60rem; }
.made, figcaption, caption, .legend { color: var(--faint); }
.note { border: 1px solid var(--line); border-left: 4px solid var(--mark); background: var(--note);
  padding: .5rem .8rem; margin: 1rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; }
td { overflow-wrap: anywhere; }
.numbers th:not(:first-child), .numbers td:not(:first-child) { text-align: right; padding: .25rem 0 .25rem 1.2rem; }
.numbers td { white-space: nowrap; }
.facts th { white-space: nowrap; }
.hash { font-family: ui-monospace, "Liberation Mono", monospace; font-size: .85em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; }
figure { margin: 0; max-width: 26rem; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; background: var(--card); }
.map figure img { image-rendering: pixelated; }
.crop, .map { break-inside: avoid; }
figcaption { font-size: .9rem; padding-top: .2rem; }
.overview { max-width: 30rem; width: 100%; height: auto; display: block; }
.overview rect { fill: none; stroke: #ff3b30; }
.overview text { fill: #fff; stroke: #000; paint-order: stroke; font-family: sans-serif; font-weight: 700; }
.legend { display: flex; gap: .6rem; align-items: center; font-size: .9rem; margin: .2rem 0 .6rem; }
.legend img { width: 16rem; max-width: 50%; height: .8rem; }
pre { background: var(--card); border: 1px solid var(--line); padding: .6rem .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .85rem; }
@media print { body { padding: 0; font-size: 10pt; max-width: none; } h2, h3 { break-after: avoid; }
  .figures { grid-template-columns: repeat(auto-fit, minmax(3.3cm, 1fr)); gap: .2cm; }
  pre { break-inside: avoid; } .wide { overflow: visible; } table { font-size: 7.5pt; } }
"""

_EXPLANATIONS = {
    "consistency": "The result is made four times smaller again and compared with the picture: RMS of the difference "
    "in units of the range that is shown (0 to 1), and the same as PSNR. It tells what the picture vouches for; a "
    "result can be consistent and still be wrong in what is finer than a pixel of the picture.",
    "flux": "How far what was measured is from that of the picture, over the whole frame, before the result "
    "was fitted to it (network alone), and in the worst of its sources.",
    "PSNR": "How close the result comes to the truth on luma, without a border of 4 pixels; SSIM likewise.",
    "invented": "Spread of the results of the eight flips and turns of the picture, turned back. What a picture shows "
    "does not say which way up it is, so what depends on that was made up by the network. Little spread does not prove "
    "that detail is real.",
}
"""What columns mean whose names begin so."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text."""

    head: tuple[str, ...]
    """Names of the columns; all empty for rows that begin with their own."""
    rows: tuple[tuple[str, ...], ...]
    """Cells."""
    title: str = ""
    """What stands above it."""
    foot: str = ""
    """A sentence below it."""


@dataclass(frozen=True, slots=True)
class Crop:
    """The same rectangle of everything that is compared."""

    letter: str
    """What it is called."""
    box: Box
    """LR rectangle."""
    pictures: tuple[tuple[str, str], ...]
    """Name and address of each."""


@dataclass(frozen=True, slots=True)
class Map:
    """Maps of one kind with the same colours."""

    title: str
    """What they show."""
    highest: float
    """Number of the last colour."""
    pictures: tuple[tuple[str, str], ...]
    """Name and address of each."""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that stands in a report, in its order."""

    title: str
    made: str
    """With what, and when."""
    is_degraded: bool
    """Whether the picture was made smaller first."""
    is_invented: bool
    """Whether a model is among those that make detail up."""
    facts: Table
    """About the picture."""
    overview: str
    """Address of the whole picture, on which the crops are marked."""
    size: tuple[int, int]
    """Height and width of the picture."""
    crops: tuple[Crop, ...]
    numbers: tuple[Table, ...]
    maps: tuple[Map, ...]
    colour_bar: str
    """Address of the colours of maps."""
    models: tuple[Table, ...]
    """What each result was made with."""
    computing: Table
    """Where, and with which libraries."""
    commands: tuple[str, ...]
    """What makes it again."""


def escaped(text: str) -> str:
    """Return text as it stands in HTML, in and out of quotes; signs that are not printed are marked."""
    return html.escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))


def page(content: Page) -> str:
    """Return the text of a page."""
    return "\n".join(_lines(content))


def _lines(content: Page) -> Iterable[str]:
    title = f"{escaped(content.title)}, enlarged four times"
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>\n{_STYLE}</style></head><body>"
    yield f'<header><h1>{title}</h1><p class="made">{escaped(content.made)}</p></header><main>'
    yield from _notes(content)
    yield "<h2>The picture</h2>"
    yield from _table(content.facts, "facts")
    yield "<h2>Where the results differ most</h2>"
    yield from _overview(content)
    for crop in content.crops:
        yield from _crop(crop)
    yield "<h2>Numbers</h2>"
    for table in content.numbers:
        yield from _table(table, "numbers")
    yield from _explanations(content)
    yield "<h2>Maps</h2>"
    for each in content.maps:
        yield from _map(each, content.colour_bar)
    yield "<h2>How it was made</h2>"
    for table in content.models:
        yield from _table(table, "facts")
    yield "<h3>All of them</h3>"
    yield from _table(content.computing, "facts")
    yield "<h2>Make it again</h2>"
    yield f"<pre>{escaped_lines(content.commands)}</pre>"
    yield "</main></body></html>\n"


def escaped_lines(lines: Iterable[str]) -> str:
    """Return lines of text as they stand in HTML."""
    return "\n".join(map(escaped, lines))


def _notes(content: Page) -> Iterable[str]:
    yield "<p>Every result stands beside plain bicubic interpolation, which adds no detail of its own.</p>"
    if content.is_degraded:
        yield (
            '<p class="note">The picture was made four times smaller first, and the results are compared with it. How '
            "close they come tells how they do on pictures that were made smaller in the same way.</p>"
        )
    if content.is_invented:
        yield (
            '<p class="note"><strong>Detail in results of SRGAN is partly invented.</strong> The network adds what is '
            "likely, not what was measured: do not read text, faces, counts or faint objects out of it.</p>"
        )


def _overview(content: Page) -> Iterable[str]:
    height, width = content.size
    line = max(height, width) / 200
    yield f'<svg class="overview" viewBox="0 0 {width} {height}" role="img" aria-label="The whole picture">'
    yield f'<image href="{content.overview}" width="{width}" height="{height}"/>'
    for crop in content.crops:
        box = crop.box
        yield (
            f'<rect x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}" stroke-width="{line:g}"/>'
            f'<text x="{box.left + 2 * line:g}" y="{box.top + 8 * line:g}" font-size="{7 * line:g}" '
            f'stroke-width="{line:g}">{crop.letter}</text>'
        )
    yield "</svg>"


def _crop(crop: Crop) -> Iterable[str]:
    box = crop.box
    where = f"{box.width} × {box.height} pixels from column {box.left}, row {box.top}"
    yield f'<section class="crop"><h3>{crop.letter}: {where}</h3>'
    yield from _figures(crop.pictures)
    yield "</section>"


def _map(each: Map, colour_bar: str) -> Iterable[str]:
    yield f'<section class="map"><h3>{escaped(each.title)}</h3>'
    yield (
        f'<div class="legend"><span>0</span><img src="{colour_bar}" alt="from nearly black to nearly white">'
        f"<span>{each.highest:.4g} and more</span></div>"
    )
    yield from _figures(each.pictures)
    yield "</section>"


def _figures(pictures: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield '<div class="figures">'
    for name, address in pictures:
        told = escaped(name)
        yield f'<figure><img src="{address}" alt="{told}"><figcaption>{told}</figcaption></figure>'
    yield "</div>"


def _table(table: Table, kind: str) -> Iterable[str]:
    if table.title:
        yield f"<h3>{escaped(table.title)}</h3>"
    yield f'<div class="wide"><table class="{kind}">'
    if any(table.head):
        yield "<tr>" + "".join(f"<th>{escaped(name)}</th>" for name in table.head) + "</tr>"
    for row in table.rows:
        first = "" if any(table.head) else f"<th>{escaped(row[0])}</th>"
        yield f"<tr>{first}" + "".join(_cell(cell) for cell in (row if any(table.head) else row[1:])) + "</tr>"
    yield "</table></div>"
    if table.foot:
        yield f"<p>{escaped(table.foot)}</p>"


def _cell(text: str) -> str:
    is_hash = len(text) == 64 and text.isalnum()
    return f'<td class="hash">{escaped(text)}</td>' if is_hash else f"<td>{escaped(text)}</td>"


def _explanations(content: Page) -> Iterable[str]:
    columns = {name for table in content.numbers for name in table.head}
    for start, sentence in _EXPLANATIONS.items():
        if any(column.startswith(start) for column in columns):
            yield f'<p class="made"><strong>{start}</strong>: {sentence}</p>'
