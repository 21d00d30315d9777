"""Plots of ratings with their 95 % intervals, as SVG without any library."""

from html import escape

from ringrift.plots.axes import DOT, INK, LINE, Rows, axis_range, data_uri, ticks

ROW, LEFT, WIDTH, RIGHT = 24, 190, 420, 150  # pixels: height of a row, names, plot, numbers
SMALL = (120, 6)  # width of the small plot and height of its rows
SMALL_ROWS = 8
LIMIT = 950  # characters of a data URI that the Dagster UI shows inline in markdown


def render_ratings(rows: Rows, title: str) -> str:
    """SVG of rows with `name`, `rating`, `low`, `high` and `games`, in their order from the top."""
    low, high = axis_range(rows)
    height = ROW * (len(rows) + 2)
    total = LEFT + WIDTH + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{total}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-weight="bold">{escape(title)}: rating and 95 % interval</text>',
    ]
    for step in ticks(low, high):
        x = LEFT + WIDTH * (step - low) / (high - low)
        parts.append(f'<path d="M{x:.1f} {ROW}V{height - ROW}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 7}" text-anchor="middle">{step}</text>')
    for place, row in enumerate(rows):
        y = ROW * (place + 1.5)
        start, dot, end = (LEFT + WIDTH * (row[name] - low) / (high - low) for name in ("low", "rating", "high"))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(str(row["name"]))}</text>')
        parts.append(f'<path d="M{start:.1f} {y}H{end:.1f}" stroke="{LINE}" stroke-width="3"/>')
        parts.append(f'<circle cx="{dot:.1f}" cy="{y}" r="4" fill="{DOT}"/>')
        text = f"{row['rating']:.0f} ({row['games']} games)"
        parts.append(f'<text x="{LEFT + WIDTH + 8}" y="{y + 4}">{text}</text>')
    return "".join([*parts, "</svg>\n"])


def render_small_ratings(rows: Rows) -> str:
    """The best rows as a tiny SVG in a data URI of fewer than LIMIT characters: a line and a dot each."""
    for count in range(min(len(rows), SMALL_ROWS), 0, -1):
        uri = data_uri(_small(rows[:count]))
        if len(uri) < LIMIT:
            return uri
    return data_uri(_small([]))


def _small(rows: Rows) -> str:
    low, high = axis_range(rows)
    width, height = SMALL[0], SMALL[1] * len(rows) or 1
    lines, dots = [], []
    for place, row in enumerate(rows):
        y = SMALL[1] * place + SMALL[1] // 2
        start, dot, end = (round(width * (row[name] - low) / (high - low)) for name in ("low", "rating", "high"))
        lines.append(f"M{start} {y}H{end}")
        dots.append(f"M{dot - 2} {y}h4")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * width}" viewBox="0 0 {width} {height}">'
        f'<path d="{"".join(lines)}" stroke="{LINE}"/><path d="{"".join(dots)}" stroke="{DOT}" stroke-width="4"/></svg>'
    )
