"""A vision model that can be watched and stopped at any of its modules: what the towers of all families have in common.

In: a `transformers` vision model and its taps (see `probing`). Out: a `VisionTower`: normalised pixels, passes.
Tensors are on the model's device.
"""

from __future__ import annotations

import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from specsight.encoders.layer import Features, Images
from specsight.encoders.preprocessing import Preprocessing
from specsight.encoders.probing import Tap, first_output


class Call(NamedTuple):
    """One call of a module during a pass."""

    given: Any
    """Its first argument by position; None where it had none."""
    output: Tensor
    """What it returned; the first of several."""


Weigh = Callable[[Tensor], Tensor]
"""A grid (B, C, h, w) → what each of its cells counts in a mean, (h, w), summing to one."""


class VisionTower(ABC):
    """A frozen vision model. Hooks live on its shared modules, so that one pass runs at a time."""

    def __init__(
        self,
        name: str,
        model: Any,
        taps: Sequence[Tap],
        projection: nn.Module,
        preprocessing: Preprocessing,
    ) -> None:
        """`name`: the encoder's, for messages. `projection`: from the tower's own space into the joint one."""
        self.name, self.model, self.projection = name, model, projection
        self.taps = tuple(taps)
        """The layers, shallow to deep, with the modules that yield them."""
        self.stride = max(tap.layer.stride for tap in self.taps)
        """Pixels per cell of the deepest grid."""
        self.options = pass_options(model)
        """Keyword arguments of every pass."""
        self.device: torch.device = model.device
        self._scale = preprocessing.scale
        self._mean = torch.tensor(preprocessing.mean, device=self.device).view(1, 3, 1, 1)
        self._deviation = torch.tensor(preprocessing.deviation, device=self.device).view(1, 3, 1, 1)
        self._one_pass = threading.Lock()

    @abstractmethod
    def pooled(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """The deepest global feature (B, C), in the tower's own space.

        `weigh`: what each cell counts where the feature is a mean over cells; None: all alike.
        """

    @abstractmethod
    def joint(self, pixels: Tensor, weigh: Weigh | None = None) -> Tensor:
        """Pooled embeddings (B, D), unit length, in the joint space; `weigh` as for `pooled`."""

    @abstractmethod
    def joint_patches(self, pixels: Tensor) -> Tensor:
        """Patch embeddings (B, D, h, w), unit length, in the joint space."""

    def pixels(self, images: Images) -> Tensor:
        """(B, H, W, 3) uint8 → normalised (B, 3, H, W), stored channels last: the faster order for convolutions."""
        values = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        return (values.permute(0, 3, 1, 2).to(torch.float32) * self._scale - self._mean) / self._deviation

    def run(self, pixels: Tensor) -> Any:
        """A whole pass: the model's own output (`last_hidden_state`, `pooler_output`)."""
        with self._one_pass:
            return self.model(pixel_values=pixels, **self.options)

    def watch(self, pixels: Tensor, modules: Sequence[nn.Module]) -> tuple[list[Call | None], Any]:
        """A whole pass: the last call of each of `modules` (None: it did not run), and the model's own output."""
        calls: list[Call | None] = [None] * len(modules)

        def catch(index: int) -> Any:
            def hook(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
                calls[index] = Call(arguments[0] if arguments else None, first_output(output))

            return hook

        hooks = [(module, catch(index)) for index, module in enumerate(modules)]
        with self._one_pass, _hooked(hooks):
            return calls, self.model(pixel_values=pixels, **self.options)

    def outputs(self, pixels: Tensor, taps: Sequence[Tap]) -> dict[str, Tensor]:
        """The outputs of `taps` by layer name: grids (B, C, h, w) or tokens (B, n, C), class and register tokens in
        front. The pass stops behind the last of them."""
        found: dict[str, Tensor] = {}

        def catch(name: str) -> Any:
            def hook(module: nn.Module, arguments: Any, output: Any) -> None:
                found[name] = first_output(output)
                if len(found) == len(taps):
                    raise _Reached

            return hook

        hooks = [(tap.module, catch(tap.layer.name)) for tap in taps if tap.module is not None]
        with self._one_pass, _hooked(hooks):
            try:
                result = self.model(pixel_values=pixels, **self.options)
            except _Reached:
                return found
        return {**found, **{tap.layer.name: result.last_hidden_state for tap in taps if tap.module is None}}

    def entering(self, pixels: Tensor, module: nn.Module) -> Tensor:
        """The first argument of `module`'s first call. The pass stops there."""
        found: list[Tensor] = []

        def catch(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            found.append(arguments[0])
            raise _Reached

        with self._one_pass:
            handle = module.register_forward_pre_hook(catch)
            try:
                self.model(pixel_values=pixels, **self.options)
            except _Reached:
                pass
            finally:
                handle.remove()
        return found[0]


def pass_options(model: Any) -> dict[str, Any]:
    """Keyword arguments that let a model see any size and aspect."""
    accepted = inspect.signature(model.forward).parameters
    return {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in accepted else {}


def array(tensor: Tensor) -> Features:
    """A tensor of any device as a contiguous float32 array."""
    return np.ascontiguousarray(tensor.float().cpu().numpy())


class _Reached(Exception):
    """All that was asked for has been computed: the rest of the pass is not needed."""


@contextmanager
def _hooked(hooks: Sequence[tuple[nn.Module, Any]]) -> Iterator[None]:
    """While it lasts, each hook is called behind its module."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
