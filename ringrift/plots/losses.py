"""Curves of a training as SVG without any library."""

from collections.abc import Mapping, Sequence
from html import escape

from ringrift.plots.axes import data_uri

WIDTH, HEIGHT, MARGIN, LEGEND = 560, 260, 44, 170  # pixels
SMALL = (120, 40)
Curves = tuple[tuple[str, str, str], ...]  # key of a history entry, label, colour
CURVES: Curves = (
    ("train_policy", "policy, training", "#8aa"),
    ("policy", "policy, held out", "#066"),
    ("policy_uniform", "policy, equal chances", "#ccc"),
    ("train_value", "outcome, training", "#da8"),
    ("value", "outcome, held out", "#c33"),
)
VALUE_CURVES: Curves = (  # of a network without a policy, whose loss has no parts
    ("train_loss", "outcome, training", "#da8"),
    ("loss", "outcome, held out", "#c33"),
)

History = Sequence[Mapping[str, float]]


def render_losses(history: History, best_epoch: int, title: str) -> str:
    """SVG of the losses by epoch (training.Trained.history), the epoch that was kept marked.

    The axis begins at 0 unless all losses lie close together far above it.
    """
    curves = CURVES if any("policy" in entry for entry in history) else VALUE_CURVES
    last = max((entry["epoch"] for entry in history), default=1.0) or 1.0
    losses = [entry[key] for entry in history for key, _, _ in curves if key in entry] or [1.0]
    low, high = min(losses), max(losses)
    bottom, top = (0.0, high * 1.05) if low < high / 2 else (low * 0.98, high * 1.02)
    digits = 3 if bottom else 2
    width, height = WIDTH + LEGEND, HEIGHT

    def x(epoch: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * epoch / last

    def y(value: float) -> float:
        return height - MARGIN - (height - 2 * MARGIN) * (value - bottom) / (top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(title)}: loss in nats by epoch</text>',
        f'<path d="M{MARGIN} {MARGIN}V{height - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#333"/>',
        f'<path d="M{x(best_epoch):.1f} {MARGIN}V{height - MARGIN}" stroke="#333" stroke-dasharray="2 4"/>',
        f'<text x="{x(best_epoch):.1f}" y="{height - MARGIN + 28}" text-anchor="middle">kept: {best_epoch}</text>',
    ]
    for step in range(5):
        value = bottom + (top - bottom) * step / 4
        parts.append(f'<text x="{MARGIN - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.{digits}f}</text>')
    for epoch in sorted({0, round(last)}):
        parts.append(f'<text x="{x(epoch):.1f}" y="{height - MARGIN + 14}" text-anchor="middle">{epoch}</text>')
    for place, (key, label, colour) in enumerate(curves):
        points = [f"{x(entry['epoch']):.1f} {y(entry[key]):.1f}" for entry in history if key in entry]
        if points:
            parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        row = MARGIN + 18 * place
        parts.append(f'<path d="M{WIDTH - 24} {row}h16" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{WIDTH - 2}" y="{row + 4}">{label}</text>')
    return "".join([*parts, "</svg>\n"])


def render_small_losses(history: History) -> str:
    """The held-out loss by epoch as a tiny SVG in a data URI, short enough to be shown inline."""
    values = [entry["loss"] for entry in history][-60:]
    low, high = min(values, default=0.0), max(values, default=1.0)
    width, height = SMALL
    points = [
        f"{round(width * i / max(1, len(values) - 1))} {round((height - 2) * (high - v) / (high - low or 1.0)) + 1}"
        for i, v in enumerate(values)
    ]
    return data_uri(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * width}" viewBox="0 0 {width} {height}">'
        f'<path d="M{"L".join(points)}" fill="none" stroke="#066" stroke-width="2"/></svg>'
    )
