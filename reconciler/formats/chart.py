"""Charts of amounts over time as SVG, without any script, font, address or `style` attribute.

A chart is as wide as its page: places are percentages, so that its letters have the same size on a
telephone, on a desk and on paper. Elements are built with the standard library, which escapes every
text. Colours and patterns are classes of `page.css`; the patterns are defined in `base.html.j2`.
Whoever does not see a chart hears its `<title>` and `<desc>`, and finds every number in the table
that the template writes beside it.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate, pairwise
from math import floor, log10
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from reconciler.formats.phrases import counted, shortened, size
from reconciler.formats.report import Outlook, TimeChart
from reconciler.model.base import safe

PLOT = 200
"""Height of the area that is drawn on, in CSS pixels."""

_TOP = 18
_HEIGHT = _TOP + PLOT + 24
_WIDE = 1000
"""Units across the drawn area, whatever its width is."""

_TICKS = 4
"""Most steps of the vertical axis."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST = 300
"""Longest text of a label, in characters."""


def amount_text(chart: TimeChart, amount: float) -> str:
    """Write an amount in the unit of a chart."""
    return size(round(amount)) if chart.unit == "bytes" else f"{amount:,.0f}"


def ticks(top: float, *, binary: bool) -> list[float]:
    """Return round amounts from 0 to `top` or just above, at equal distances.

    Units: with `binary`, steps are round in KiB, MiB, GiB and so on.
    """
    unit = 1024.0 ** max(0, floor(log10(max(top, 1)) / log10(1024))) if binary else 1.0
    wanted = max(top / unit, 1 if binary else _TICKS) / _TICKS
    power = 10.0 ** floor(log10(wanted))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= wanted * 0.999)
    count = max(1, -int(-(top / unit) // step))
    return [number * step * unit for number in range(count + 1)]


def drawn(chart: TimeChart) -> Markup:
    """Draw a chart with its axes. Shape: one `svg` element, as wide as what it is put into."""
    stacks = stacked(chart)
    expected = [amount for outlook in chart.outlooks for amount in (outlook.now, outlook.high)]
    steps = ticks(max((*stacks[-1], *expected), default=0), binary=chart.unit == "bytes")
    svg = Element("svg", {"class": "chart", "width": "100%", "height": f"{_HEIGHT}", "role": "img"})
    SubElement(svg, "title").text = _label(chart.caption)
    SubElement(svg, "desc").text = _label(described(chart))
    for amount in steps:
        y = _number(_TOP + PLOT * (1 - amount / steps[-1]))
        SubElement(svg, "line", {"class": "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y})
    # Only this part is stretched to the width of the page; letters and lines are not.
    box = {"y": f"{_TOP}", "width": "100%", "height": f"{PLOT}", "viewBox": f"0 0 {_WIDE} {PLOT}"}
    plot = SubElement(svg, "svg", {**box, "preserveAspectRatio": "none"})
    shape = columns if chart.columns else areas
    plot.extend(shape(chart, stacks, steps[-1]))
    for outlook in chart.outlooks:
        plot.extend(outlook_shapes(chart, outlook, steps[-1]))
    if chart.outlooks:
        x = _percent(chart, chart.days[-1])
        ends = {"y1": f"{_TOP}", "y2": f"{_TOP + PLOT}"}
        SubElement(svg, "line", {"class": "today", "x1": x, "x2": x, **ends})
    for amount in steps[1:]:
        y = _number(_TOP + PLOT * (1 - amount / steps[-1]) - 4)
        tick = SubElement(svg, "text", {"class": "tick", "x": "0", "y": y})
        tick.text = amount_text(chart, amount)
    svg.extend(months(chart))
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - the library escapes texts


def described(chart: TimeChart) -> str:
    """Say in sentences what a chart shows: where it begins, where it ends, what is expected."""
    texts = [chart.about] if chart.about else []
    for layer in chart.layers:
        if chart.columns:
            total = amount_text(chart, sum(layer.amounts))
            texts.append(f"{layer.label}: {total} since {chart.days[0]:%Y-%m-%d}.")
        else:
            first, last = (amount_text(chart, layer.amounts[place]) for place in (0, -1))
            texts.append(f"{layer.label}: {first} on {chart.days[0]:%Y-%m-%d}, {last} now.")
    expected = (
        f"{outlook.label}: {range_text(chart, outlook)} on {chart.end:%Y-%m-%d}."
        for outlook in chart.outlooks
    )
    return " ".join((*texts, *expected))


def range_text(chart: TimeChart, outlook: Outlook) -> str:
    """Write what is expected: one amount, or the range that it is in."""
    low, high = (amount_text(chart, amount) for amount in (outlook.low, outlook.high))
    return low if low == high else f"{low} to {high}"


def numbers(chart: TimeChart) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return a chart as a table: its headings and its rows, the latest day first."""
    headings = ["Week of" if not chart.columns else "From", *(x.label for x in chart.layers)]
    columns = zip(*(layer.amounts for layer in chart.layers), strict=True)
    rows = [
        [f"{day:%Y-%m-%d}", *(amount_text(chart, amount) for amount in amounts)]
        for day, amounts in zip(chart.days, columns, strict=True)
    ]
    return headings, rows[::-1]


def caption_text(chart: TimeChart) -> str:
    """Name a chart with its unit and the length of its time axis."""
    return f"{chart.caption}, {counted(round((chart.end - chart.start).days / 30.4), 'month')}"


def stacked(chart: TimeChart) -> list[list[float]]:
    """Add the layers up from below. Shape: the ground line, then the upper edge of each layer."""
    ground = [0.0] * len(chart.days)
    layers = [list(layer.amounts) for layer in chart.layers]
    return [
        *accumulate(
            layers,
            lambda low, high: [a + b for a, b in zip(low, high, strict=True)],
            initial=ground,
        )
    ]


def areas(chart: TimeChart, stacks: Sequence[Sequence[float]], top: float) -> Iterator[Element]:
    """Yield each layer as an area and its upper edge."""
    places = [_across(chart, day) for day in chart.days]
    for layer, (lower, upper) in zip(chart.layers, pairwise(stacks), strict=True):
        edge = [*zip(places, upper, strict=True)]
        back = [*zip(places[::-1], lower[::-1], strict=True)]
        yield Element(
            "polygon", {"class": f"area {layer.tone}", "points": _points(edge + back, top)}
        )
        yield Element("polyline", {"class": f"edge {layer.tone}", "points": _points(edge, top)})


def columns(chart: TimeChart, stacks: Sequence[Sequence[float]], top: float) -> Iterator[Element]:
    """Yield each layer as one column for each day, as wide as to the next day."""
    ends = [_across(chart, day) for day in (*chart.days, chart.end)]
    for layer, (lower, upper) in zip(chart.layers, pairwise(stacks), strict=True):
        for (start, end), low, high in zip(pairwise(ends), lower, upper, strict=True):
            gap = (end - start) * 0.12
            corners = [(start + gap, low), (start + gap, high), (end - gap, high), (end - gap, low)]
            yield Element(
                "polygon", {"class": f"area {layer.tone}", "points": _points(corners, top)}
            )


def outlook_shapes(chart: TimeChart, outlook: Outlook, top: float) -> Iterator[Element]:
    """Yield what is expected: the range as an area, its bounds as dashed lines."""
    start, end = _across(chart, chart.days[-1]), float(_WIDE)
    between = [(start, outlook.now), (end, outlook.high), (end, outlook.low)]
    yield Element("polygon", {"class": f"range {outlook.tone}", "points": _points(between, top)})
    for amount in sorted({outlook.low, outlook.high}):
        ends = [(start, outlook.now), (end, amount)]
        yield Element("polyline", {"class": f"ahead {outlook.tone}", "points": _points(ends, top)})


def months(chart: TimeChart) -> Iterator[Element]:
    """Mark the first day of each month; January has the year as well."""
    month = date(chart.start.year, chart.start.month, 1)
    while month <= chart.end:
        if month >= chart.start:
            x, ground = _percent(chart, month), f"{_TOP + PLOT}"
            ends = {"x1": x, "x2": x, "y1": ground, "y2": f"{_TOP + PLOT + 5}"}
            yield Element("line", {"class": "month", **ends})
            # On a narrow page only every third month has room for its name.
            often = "" if month.month % 3 == 1 else " rare"
            text = Element("text", {"class": f"name{often}", "x": x, "y": f"{_HEIGHT - 6}"})
            # Near the right edge of a narrow page there is no room for the year.
            room = (chart.end - month).days * 6 > (chart.end - chart.start).days
            year = f" {month.year}" if month.month == 1 and room else ""
            text.text = f"{_MONTHS[month.month - 1]}{year}"
            # A name at the right edge would be cut.
            if (chart.end - month).days * 15 > (chart.end - chart.start).days:
                yield text
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _across(chart: TimeChart, day: date) -> float:
    """Return how far to the right a day is, in units of the drawn area."""
    days = (chart.end - chart.start).days or 1
    return _WIDE * (day - chart.start).days / days


def _percent(chart: TimeChart, day: date) -> str:
    return f"{_number(_across(chart, day) * 100 / _WIDE)}%"


def _points(corners: Sequence[tuple[float, float]], top: float) -> str:
    high = top or 1
    return " ".join(f"{_number(x)},{_number(PLOT * (1 - y / high))}" for x, y in corners)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _label(text: str) -> str:
    return shortened(safe(text), _LONGEST)
