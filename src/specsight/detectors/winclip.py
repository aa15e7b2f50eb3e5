"""WinCLIP and WinCLIP+ (Jeong et al., CVPR 2023): windows of a picture against sentences, and against good windows.

With words alone: every 2 × 2 and 3 × 3 window of patches, and the whole picture, is compared with sentences about good
and damaged parts; window scores meet on their patches by harmonic means. With a few good pictures besides, windows and
patches are also compared with their nearest good neighbours.

Departures: pictures keep their aspect; each type of defect that the specification names is compared beside "damaged"
and gets a map of its own, the map being their largest (a specification without defects gives the paper's method);
sentences are averaged as unit vectors; an encoder without tokens has window means instead of window passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.saving import State
from specsight.detectors.text import IMAGE, judgement_of_types, judgement_without_types, temperature_parameter
from specsight.encoders import JOINT, Encoder, Features
from specsight.encoders.passes.windows import embed_windows
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.images import Cells, Frame
from specsight.prompts.anchors import Anchors, probability
from specsight.records import Judgement
from specsight.specification import Instruction, Specification

WINDOWS = (2, 3)
PATCHES = "patches"
REFERENCES = (PATCHES, *(f"window{k}" for k in WINDOWS))
"""Features that are compared with good ones, by name in the view: single patches, then windows."""
WINDOW_CELLS = "windows"
"""Name of the cells that windows cover, in a view."""
MEGABYTE = 1 << 20
FAINT = 1e-12
"""Keeps harmonic means finite where a probability or a distance is zero."""


@detectors.register("winclip")
@dataclass
class WinCLIP(Detector):
    """Compares windows with sentences (zero-shot) and, given good pictures, with good windows (WinCLIP+)."""

    name = "winclip"
    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    temperature: float = temperature_parameter()
    sigma: float = sigma_parameter()

    references: int = parameter(
        4096,
        "Good patches, and windows of each size, kept at most (selected by greedy k-centre beyond that).",
        low=1,
        high=1_000_000,
        unit="patches",
    )

    references_: dict[str, MemoryBank] = field(default_factory=dict, init=False, repr=False)

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score and map by sentences, and by good windows where there are any.

        Zero-shot, the score is the whole picture's probability of being damaged, P, and the map is the harmonic mean of
        P and the window maps. With references, both are averaged with the distance to good windows (the paper's
        equations 4 and 5). All lie in [0, 1].
        """
        anchors = self._get_words().anchors(instruction)
        if not anchors.types:
            return judgement_without_types(view.frame)
        maps, of_picture = self._language(view, anchors)
        score = float(of_picture.max())
        if self.references_:
            distances = self._association(view)
            score = (score + float(distances.max())) / 2
            maps = np.asarray((maps + distances) / 2, np.float32)
        return judgement_of_types(
            score, maps, anchors.types, view.cells[WINDOW_CELLS], view.frame, self.sigma
        )

    def _language(self, view: View, anchors: Anchors) -> tuple[Features, Features]:
        """Maps (K, h, w) on the windows' cells, and the probabilities (K,) of the whole picture, or its worst tile."""
        of_picture = probability(anchors.margins(view.features[IMAGE], self.temperature)).max((1, 2))
        size = view.cells[WINDOW_CELLS].size
        inverse = (
            np.repeat(1 / np.maximum(of_picture, FAINT), size[0] * size[1])
            .reshape(-1, *size)
            .astype(np.float64)
        )
        for k in WINDOWS:
            scores = probability(anchors.margins(view.features[f"window{k}"], self.temperature))
            inverse += 1 / np.maximum(harmonic(scores, size), FAINT)
        return np.asarray((1 + len(WINDOWS)) / inverse, np.float32), of_picture

    def _association(self, view: View) -> Features:
        """Mean over patches and windows of half the cosine distance to the nearest good one, (h, w) in [0, 1]."""
        cells, maps = view.cells[WINDOW_CELLS], []
        for name, windows in _comparable(view).items():
            distances, _ = self.references_[name].nearest(grids.vectors(windows))
            halved = np.asarray(np.square(distances[:, 0], dtype=np.float64) / 4).reshape(
                1, *windows.shape[1:]
            )
            if name == PATCHES:
                maps.append(grids.resampled(np.asarray(halved, np.float32), view.cells[PATCHES], cells)[0])
            else:
                maps.append(harmonic(halved, cells.size)[0])
        return np.asarray(np.mean(maps, axis=0), np.float32)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        sides = _joint_grid(encoder, frame)
        windows = embed_windows(encoder, pixels, [min(k, *sides) for k in WINDOWS])
        named = {f"window{k}": window[0] for k, window in zip(WINDOWS, windows)}
        (patches,) = encoder.layers(pixels, [_reference_layer(encoder)])
        pooled = encoder.embed_images(pixels, frame.region)[0][:, None, None]
        return {PATCHES: patches[0], IMAGE: pooled, **named}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> Cells | None:
        if name == IMAGE:
            return None
        return encoder.cells(_reference_layer(encoder) if name == PATCHES else JOINT, features)

    def _view(self, encoder: Encoder, frame: Frame, features: Mapping[str, Features]) -> View:
        """Windows of nothing but cells that show the picture, on the cells that they cover."""
        joint = encoder.placements[JOINT].cells(_joint_grid(encoder, frame))
        inside = frame.inside(joint)
        windows = {name: _windows(features[name], joint.size, inside) for name in REFERENCES[1:]}
        of_patches = encoder.cells(_reference_layer(encoder), features[PATCHES])
        patches, shown = grids.inside(features[PATCHES], of_patches, frame)
        cells = {PATCHES: shown, WINDOW_CELLS: joint.cropped(*inside)}
        return View(frame, {PATCHES: patches, IMAGE: features[IMAGE], **windows}, cells)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        builders = {name: BankBuilder(1.0, self.references, 256 * MEGABYTE, self.seed) for name in REFERENCES}
        for view in views:
            for name, windows in _comparable(view).items():
                builders[name].add(grids.vectors(windows))
        self.references_ = {name: MemoryBank(b.build()) for name, b in builders.items() if b.total}

    def _state(self) -> State:
        return {name: bank.vectors for name, bank in self.references_.items()}

    def _restore(self, state: State) -> None:
        self.references_ = {name: MemoryBank(state[name]) for name in REFERENCES if PATCHES in state}


def harmonic(scores: NDArray[np.floating], grid: tuple[int, int]) -> NDArray[np.float64]:
    """Return each cell's harmonic mean over the windows that cover it, (K, h, w), zero where one of them is zero.

    `scores` (K, h - k + 1, w - k + 1) are those of windows of k × k cells at stride 1 on a `grid` (h, w).
    """
    high, wide = grid[0] - scores.shape[1] + 1, grid[1] - scores.shape[2] + 1
    sums, counts = np.zeros((len(scores), *grid)), np.zeros(grid)
    inverse = 1 / np.maximum(scores.astype(np.float64), FAINT)
    for row in range(high):
        for column in range(wide):
            covered = np.s_[..., row : row + scores.shape[1], column : column + scores.shape[2]]
            sums[covered] += inverse
            counts[covered] += 1
    return counts / sums


def _joint_grid(encoder: Encoder, frame: Frame) -> tuple[int, int]:
    """Rows and columns of the joint patches of a whole frame."""
    down, across = encoder.placements[JOINT].stride
    return round(frame.size[0] / down), round(frame.size[1] / across)


def _comparable(view: View) -> dict[str, Features]:
    """Unit vectors of patches and windows, by name, each (D, h', w')."""
    patches = view.features[PATCHES]
    patches = patches / np.maximum(np.linalg.norm(patches, axis=0), FAINT)
    return {PATCHES: patches, **{name: view.features[name] for name in REFERENCES[1:]}}


def _windows(windows: Features, grid: tuple[int, int], cells: tuple[slice, slice]) -> Features:
    """Those of all windows (D, h', w') on a grid that lie inside the cells that show the picture; at least one."""
    size = grid[0] - windows.shape[1] + 1
    rows, columns = (slice(c.start, max(c.stop - size + 1, c.start + 1)) for c in cells)
    return windows[:, rows, columns]


def _reference_layer(encoder: Encoder) -> str:
    """Where single patches are compared with good ones: the paper's penultimate block of a transformer, the deepest
    convolutional layer of the joint patches' stride."""
    stride = round(encoder.placements[JOINT].stride[0])
    layers = [layer.name for layer in encoder.available if layer.stride == stride]
    blocks = [name for name in layers if name.startswith("block")]
    return blocks[-2] if len(blocks) > 1 else layers[-1]
