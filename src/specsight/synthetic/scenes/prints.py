"""Acceptable marks that say something: texts, codes, logos, scales, rows of dots, labels; printed or in relief.

Each function takes (rng, pixels (H, W, 3) float32 in [0, 1], body) and returns new pixels. What makes a print
acceptable can be seen: one ink of one density, clean edges, known glyphs of one size on one line, cells on one grid.
Stains, dirt and foreign bodies have none of these.
"""

from __future__ import annotations

from string import ascii_letters, ascii_uppercase, digits

import cv2
import numpy as np

from specsight.synthetic import shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.scenes import outlines
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.shapes import Alpha

_ALPHABETS = (ascii_uppercase, digits, ascii_uppercase + digits, ascii_letters)


def lettering(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """One to three lines of text, or text around the middle of a round body."""
    size = max(6.0, body.radius * rng.uniform(0.08, 0.35))
    return _apply(
        rng,
        pixels,
        _around(rng, body, size) if body.round and rng.random() < 0.5 else _lines(rng, body, size),
        body,
    )


def code(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """A bar code, a matrix code, or a code of needled or ink-jet dots."""
    kind = rng.random()
    rows, columns = (1, int(rng.integers(20, 60))) if kind < 0.35 else (int(rng.integers(8, 20)),) * 2
    if kind > 0.75:
        rows, columns = int(rng.integers(5, 8)), int(rng.integers(12, 40))
    cells = (rng.random((rows, columns)) < 0.5).astype(np.uint8) * 255
    if 0.35 <= kind <= 0.75:
        cells[:, 0], cells[-1] = 255, 255
    width = body.radius * rng.uniform(0.25, 0.9)
    height = width * rng.uniform(0.3, 0.7) if rows == 1 else width * rows / columns
    block = cv2.resize(
        cells, (max(columns, round(width)), max(rows, round(height))), interpolation=cv2.INTER_NEAREST
    )
    if kind > 0.75:
        block = _dotted(cells, max(2.0, width / columns))
    return _apply(rng, pixels, _placed(rng, body, block), body)


def logo(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """One or two plain figures, one within the other, or with a letter inside."""
    radius = max(4.0, body.radius * rng.uniform(0.08, 0.35))
    at = _spot(rng, body)
    alpha = np.zeros(body.shape, np.float32)
    names, turn = list(outlines.OUTLINES), body.turn + float(rng.choice([0, np.pi / 2, np.pi]))
    for share, sign in ((1.0, 1), (rng.uniform(0.5, 0.85), -1))[: int(rng.integers(1, 3))]:
        points = outlines.place(outlines.OUTLINES[str(rng.choice(names))](rng), at, radius * share, turn)
        figure = shapes.polygon(points, body.shape)
        alpha = np.maximum(alpha, figure) if sign > 0 else alpha * (1 - figure)
    if rng.random() < 0.4:
        letter = _row(rng, radius * 0.7, 1)
        alpha = np.abs(alpha - _placed(rng, body, letter, at))
    return _apply(rng, pixels, alpha, body)


def scale(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """Ticks at equal distances along a line or around, every fifth longer; or a row of equal dots."""
    count, long = int(rng.integers(6, 60)), max(3.0, body.radius * rng.uniform(0.03, 0.12))
    if body.round:
        angle = np.linspace(0, rng.choice([1.0, rng.uniform(0.1, 0.9)]) * 2 * np.pi, count) + rng.uniform(
            0, 6.3
        )
        outward = np.stack([np.cos(angle), np.sin(angle)], 1)
        start = np.asarray(body.centre) + body.radius * rng.uniform(0.4, 0.9) * outward
    else:
        along = np.array([np.cos(body.turn), np.sin(body.turn)])
        outward = np.repeat(np.array([[-along[1], along[0]]]), count, 0)
        reach = np.linspace(-1, 1, count)[:, None] * body.radius * rng.uniform(0.3, 1)
        start = np.asarray(body.centre) + reach * along + body.radius * rng.uniform(-0.7, 0.7) * outward
    if rng.random() < 0.3:
        return _apply(rng, pixels, shapes.discs(start, body.shape, long / 4), body)
    canvas = np.zeros(body.shape, np.uint8)
    lengths = np.where(np.arange(count) % 5 == 0, long * 1.7, long)[:, None]
    ticks = np.round(np.stack([start, start + lengths * outward], 1) * 8).astype(np.int32)
    cv2.polylines(canvas, list(ticks), False, 255, int(rng.integers(1, 3)), cv2.LINE_AA, 3)
    return _apply(rng, pixels, np.asarray(canvas / np.float32(255), np.float32), body)


def label(rng: np.random.Generator, pixels: Pixels, body: Body) -> Pixels:
    """A label or a printed field: one even tone with a clean straight or round outline, and text on it."""
    size = body.radius * rng.uniform(0.25, 0.7)
    outline = outlines.plate(rng) if rng.random() < 0.75 else outlines.disc(rng)
    at, turn = _spot(rng, body), body.turn + float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.03)
    alpha = shapes.polygon(outlines.place(outline, at, size, turn), body.shape) * body.cover
    shadow = 1 - np.float32(rng.uniform(0, 0.3)) * soften(alpha, 1.5) * (1 - alpha)
    tone = rng.random(3) * 0.3 + rng.uniform(0, 0.75)
    laid = over(pixels * shadow[..., None], tone.astype(np.float32), alpha)
    field = Body(alpha, at, size * 0.8, False, turn)
    return _apply(rng, laid, _lines(rng, field, max(5.0, size * rng.uniform(0.15, 0.4))), field)


def _apply(rng: np.random.Generator, pixels: Pixels, glyphs: Alpha, body: Body) -> Pixels:
    """Glyphs on the body as ink, or as relief of the body's own material."""
    glyphs = glyphs * body.cover
    if rng.random() < 0.4:
        sharp = soften(glyphs, rng.uniform(0.5, 1.2))
        light = shading(sharp, rng.choice([-1, 1]) * rng.uniform(0.08, 0.4), rng.uniform(0, 2 * np.pi))
        tone = 1 + np.float32(rng.uniform(-0.15, 0.15)) * glyphs
        return np.asarray(
            np.clip(pixels * tone[..., None] + (light * 0.6)[..., None] * (pixels + 0.2), 0, 1), np.float32
        )
    ink = (
        rng.random(3)
        if rng.random() < 0.4
        else np.full(3, rng.choice([rng.uniform(0, 0.15), rng.uniform(0.85, 1)]))
    )
    return over(pixels, ink.astype(np.float32), glyphs * np.float32(rng.uniform(0.55, 1)))


def _row(rng: np.random.Generator, size: float, count: int) -> np.ndarray:
    """`count` characters of about `size` pixels, as (h, w) uint8."""
    text = "".join(rng.choice(list(_ALPHABETS[int(rng.integers(len(_ALPHABETS)))]), count))
    font, thickness = int(rng.choice([0, 1, 2, 3, 4])), max(1, round(size / rng.uniform(6, 14)))
    (width, height), base = cv2.getTextSize(text, font, size / 24, thickness)
    canvas = np.zeros((height + base + 4, width + 4), np.uint8)
    cv2.putText(canvas, text, (2, height + 2), font, size / 24, 255, thickness, cv2.LINE_AA)
    return canvas


def _lines(rng: np.random.Generator, body: Body, size: float) -> Alpha:
    rows = [_row(rng, size, int(rng.integers(1, 10))) for _ in range(int(rng.choice([1, 1, 2, 3])))]
    width = max(row.shape[1] for row in rows)
    block = np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
    return _placed(rng, body, block)


def _around(rng: np.random.Generator, body: Body, size: float) -> Alpha:
    """Characters on a circle about the middle, upright on it."""
    alpha = np.zeros(body.shape, np.uint8)
    reach = max(size, body.radius * rng.uniform(0.35, 0.9) - size / 2)
    row = _row(rng, size, int(rng.integers(3, 16)))
    span = min(row.shape[1] / reach, 1.9 * np.pi)
    middle, start = np.asarray(body.centre), rng.uniform(0, 2 * np.pi)
    slices = max(3, int(span * 9))
    step = -(-row.shape[1] // slices)
    for k in range(slices):
        piece = np.ascontiguousarray(row[:, k * step : (k + 1) * step])
        if not piece.any():
            continue
        angle = start + (k + 0.5) * step / row.shape[1] * span
        at = middle + reach * np.array([np.cos(angle), np.sin(angle)])
        _stamp(alpha, piece, (float(at[0]), float(at[1])), angle + np.pi / 2)
    return np.asarray(alpha / np.float32(255), np.float32)


def _placed(
    rng: np.random.Generator, body: Body, block: np.ndarray, at: tuple[float, float] | None = None
) -> Alpha:
    """A block of glyphs on the body, along its axis or a quarter turn from it, shrunk to fit."""
    turn = (
        body.turn + float(rng.choice([0, 0, np.pi / 2, np.pi]))
        if rng.random() < 0.8
        else rng.uniform(0, 2 * np.pi)
    )
    fit = min(1.0, 1.7 * body.radius / max(block.shape))
    canvas = np.zeros(body.shape, np.uint8)
    _stamp(canvas, block, at or _spot(rng, body), turn, fit)
    return np.asarray(canvas / np.float32(255), np.float32)


def _stamp(
    canvas: np.ndarray, piece: np.ndarray, at: tuple[float, float], turn: float, size: float = 1.0
) -> None:
    """Lay `piece` on the canvas (in place) with its middle at `at`, turned."""
    height, width = piece.shape
    move = cv2.getRotationMatrix2D((width / 2, height / 2), -np.degrees(turn), size)
    move[:, 2] += at[0] - width / 2, at[1] - height / 2
    warped = cv2.warpAffine(piece, move, canvas.shape[::-1], flags=cv2.INTER_LINEAR)
    np.maximum(canvas, warped, out=canvas)


def _dotted(cells: np.ndarray, pitch: float) -> np.ndarray:
    height, width = (max(1, round(side * pitch)) for side in cells.shape)
    middles = np.asarray((np.argwhere(cells)[:, ::-1] + 0.5) * pitch, np.float64)
    return np.rint(shapes.discs(middles, (height, width), pitch * 3 / 8) * 255).astype(np.uint8)


def _spot(rng: np.random.Generator, body: Body) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), body.radius * rng.uniform(0, 0.65)
    return body.centre[0] + distance * np.cos(angle), body.centre[1] + distance * np.sin(angle)
