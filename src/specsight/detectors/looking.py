"""How a detector looks: a picture → framed pixels → features on their cells, a `View`; the same for all methods.

In: pictures, and parameters that say with which encoder, how finely, in which tiles. Out: `View`s. A method supplies
which layers it looks at and, where it compares with good parts, in which rotations these are learned from, or whether
pictures are registered to one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.good_pictures import choose_framing
from specsight.detectors.parameters import AUTO, parameter, parameters_of
from specsight.encoders import BUNDLED, Encoder, Features, load_encoder
from specsight.errors import SpecsightError
from specsight.features import grids
from specsight.images.rotation import rotated
from specsight.preparation import STANDARD, Choices, Framing
from specsight.records import Picture, Sample

NOT_REGISTERED = "judged as it lies, because it could not be registered to the good part: {reason}"
OUTSIDE = "what lies outside of the frame once the picture is registered, such as its corners, is not judged"
UNSEEN = 0.02
"""Share of a picture that may lie outside without a word."""


@dataclass(frozen=True)
class View:
    """One picture, looked at once: where it lies in its frame, and its features by layer, each (D, h, w)."""

    frame: images.Frame
    features: Mapping[str, Features]
    cells: Mapping[str, images.Cells] = field(default_factory=dict)
    """Where the cells of each grid of features lie over the frame; grids hold no cell of padding. Features without
    cells are no grids (pooled embeddings)."""
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    """What a person should know of how the picture was looked at. Names no file."""


Encode = Callable[[Encoder, NDArray[np.uint8], images.Frame], Mapping[str, Features]]
"""Encoder, framed pixels (1, H, W, 3), their frame → features by name."""


@dataclass
class Looking:
    """The part of a detector that frames and encodes pictures. Learned attributes end in an underscore."""

    encoder: str | Encoder = parameter(
        BUNDLED, "What turns pictures into features: a name, a folder or a hub id."
    )
    resolution: int | str = parameter(
        STANDARD,
        "Shorter side of the framed picture (its side, where positions are compared); auto: good pictures choose.",
        low=32,
        high=4096,
        unit="px",
        automatic=True,
    )
    tile: int | str = parameter(
        0,
        "Side of the overlapping tiles in which a larger framed picture is encoded; 0: at once; auto: where it is "
        "long.",
        low=0,
        high=4096,
        unit="px",
        automatic=True,
    )
    seed: int = parameter(0, "Of everything that is random.", low=0, high=2**32 - 1)
    device: str = parameter(
        "auto",
        "Where the encoder runs and weights are trained: auto, cpu, cuda, cuda:N or mps.",
        machine=True,
    )

    encoder_: Encoder | None = field(default=None, init=False, repr=False)
    framing_: Framing | None = field(default=None, init=False, repr=False)
    """How pictures are framed, once that was decided; see `framing`."""

    def get_encoder(self) -> Encoder:
        """The encoder, loaded on `device` when it is first asked for. Raises SpecsightError as `load_encoder` does."""
        if self.encoder_ is None:
            self.encoder_ = (
                self.encoder if isinstance(self.encoder, Encoder) else load_encoder(self.encoder, self.device)
            )
        return self.encoder_

    def framed(self, picture: Picture) -> NDArray[np.uint8]:
        """The pixels (1, H, W, 3) of a picture as the encoder is given them, where there are no tiles."""
        return self._frame(picture, self.get_encoder().multiple)[0][None]

    @property
    def framing(self) -> Framing:
        """How pictures are framed: as the parameters say or, once fitted, as good pictures decided.

        Before that, what is left open is standard: the method's own resolution, no tiles.
        """
        if self.framing_ is not None:
            return self.framing_
        standard = int(parameters_of(type(self))["resolution"].default)
        return Framing(
            standard if isinstance(self.resolution, str) else self.resolution,
            0 if isinstance(self.tile, str) else self.tile,
        )

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        """Names of the encoder's layers that views hold."""
        return encoder.default_layers

    def _features(
        self, encoder: Encoder, pixels: NDArray[np.uint8], frame: images.Frame
    ) -> Mapping[str, Features]:
        """What a view holds of framed pixels (1, H, W, 3), each (D, h, w): by default the layers of `_layers`."""
        names = self._layers(encoder)
        return {name: grid[0] for name, grid in zip(names, encoder.layers(pixels, names))}

    def _cells(self, encoder: Encoder, name: str, features: Features) -> images.Cells | None:
        """Where the cells lie of what a view holds as `name`; None: it is no grid.

        By default `name` is that of a layer, or `JOINT` for the joint patches; nothing else is a grid.
        """
        return encoder.cells(name, features) if name in encoder.placements else None

    def _view(self, encoder: Encoder, frame: images.Frame, features: Mapping[str, Features]) -> View:
        """A view of features over the whole frame: the cells that show the picture, and where they lie."""
        shown, places = dict(features), {}
        for name, grid in features.items():
            if cells := self._cells(encoder, name, grid):
                shown[name], places[name] = grids.inside(grid, cells, frame)
        return View(frame, shown, places)

    def _frame(self, picture: Picture, multiple: int) -> tuple[NDArray[np.uint8], images.Frame]:
        """Framed pixels: the whole picture at its own aspect, shorter side at `resolution`.

        An encoder whose pooled embedding cannot leave padding out gets none; the aspect then changes by up to half a
        patch.
        """
        padded, framing = not self.get_encoder().padding_counts, self.framing
        return images.shorter_side(
            picture.rgb,
            framing.resolution,
            multiple,
            max_aspect=images.MAX_ASPECT_TILED if framing.tile else images.MAX_ASPECT,
            circular=picture.circular,
            padded=padded,
        )

    def _angles(self, good: int) -> tuple[float, ...] | None:
        """Degrees by which each of `good` good pictures is rotated to be learned from too, beside 0.

        None: where a test on them says so. Methods that compare with good patches override this.
        """
        return ()

    def _alignment(self) -> bool | None:
        """Whether pictures are registered to one good picture before they are framed.

        None: where a test on good pictures says so. Methods that compare with good patches override this.
        """
        return False

    def _choose_framing(self, samples: Sequence[Sample]) -> Framing:
        """What the parameters say, and good samples decide what they leave open.

        Raises SpecsightError where pictures are to be registered, and cannot be or are to be rotated, too.
        """
        self.framing_, angles = None, self._angles(len(samples))
        given = replace(self.framing, angles=angles or ())
        aligned = self._alignment()
        if aligned and angles:
            raise SpecsightError(
                "pictures that are registered all lie alike, and are not rotated: leave out align or the rotations"
            )
        choices = Choices(
            self.resolution == AUTO,
            self.tile == AUTO,
            angles is None,
            alignment=aligned is None and not angles,
            reference=aligned is True,
        )
        return choose_framing(samples, self.get_encoder, given, choices)

    def _variants(self, picture: Picture) -> Iterator[Picture]:
        """The pictures to learn from in place of one good picture: it, and its rotations where they are used."""
        yield picture
        for angle in self.framing.angles:
            yield rotated(picture, angle)

    def _look(self, picture: Picture) -> View:
        """Frame and encode one picture; methods that look at more than its colours override this."""
        encoder = self.get_encoder()
        registration, notes = self._register(picture)
        if registration is None:
            pixels, frame = self._frame(picture, encoder.multiple)
        else:
            rgb = registration.aligned_rgb(picture.rgb)
            pixels, frame = self._frame(Picture(rgb), encoder.multiple)
            frame = replace(frame, alignment=registration)
        view = self._view(encoder, frame, self._encode(pixels, frame, self._features))
        return replace(view, notes=notes) if notes else view

    def _register(self, picture: Picture) -> tuple[images.Alignment | None, tuple[str, ...]]:
        """By what a picture is brought to the pose of the good part that others are registered to, and notes on it."""
        reference = self.framing.reference
        if reference is None:
            return None, ()
        if picture.circular:
            return None, (NOT_REGISTERED.format(reason="its ends meet"),)
        found = images.register(picture.rgb, reference)
        if found.alignment is None:
            return None, (NOT_REGISTERED.format(reason=found.reason),)
        return found.alignment, (OUTSIDE,) if found.alignment.unseen(picture.size) > UNSEEN else ()

    def _encode(
        self, pixels: NDArray[np.uint8], frame: images.Frame, encode: Encode
    ) -> Mapping[str, Features]:
        """What `encode`, such as `_features`, gives of framed pixels (H, W, 3): tile by tile where there are tiles."""
        encoder = self.get_encoder()
        tiling = images.Tiling.over(frame.size, self.framing.tile, encoder.multiple)
        if tiling.shape == (1, 1):
            return encode(encoder, pixels[None], frame)
        parts = [encode(encoder, pixels[place][None], frame.part(*place)) for place in tiling.places()]
        return {name: self._joined(name, [part[name] for part in parts], tiling) for name in parts[0]}

    def _joined(self, name: str, parts: Sequence[Features], tiling: images.Tiling) -> Features:
        """What a view holds as `name` of a frame, from that of its tiles: grids are blended where tiles overlap.

        What is no grid, such as a pooled embedding, is kept of every tile, laid out as they lie.
        """
        encoder = self.get_encoder()
        cells = self._cells(encoder, name, parts[0])
        return tiling.arranged(parts) if cells is None else tiling.blend(parts, cells.stride)
