"""Frames of a GenICam camera (GigE Vision, USB3 Vision, CoaXPress, ...), by `harvesters` and a vendor's GenTL producer.

In: a producer's file (.cti), which comes with the camera's software. Out: each frame as a PNG without loss. A camera
that runs freely drops frames that come while a part is judged: trigger it once per part.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, require
from specsight.line.sources.contract import Arrival, Source

WAIT = 0.5
"""Seconds to wait for a frame before asking whether to stop."""
OPTIONS = ("cti", "serial", "trigger", "exposure", "frames")
BAYER = {"BayerRG": "BG", "BayerBG": "RG", "BayerGB": "GR", "BayerGR": "GB"}
"""GenICam names the first two pixels of the first row, OpenCV those of the second row and column."""


class CameraSource(Source):
    """Frames of one camera.

    Parameters:
        options: `cti`: file of the producer. `serial`: which camera, where there are several. `trigger`: its source
            (such as Line1 or Software; "off": it runs freely; absent: as the camera is set). `exposure`: in µs.
            `frames`: how many, then it ends.

    Raises SpecsightError for other options, a producer that is none, and where no such camera is found or it is in use.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        unknown = next((name for name in options if name not in OPTIONS), None)
        if unknown is not None or "cti" not in options:
            raise SpecsightError(
                f"--camera: give cti=FILE, and maybe {', '.join(OPTIONS[1:])}, each as name=value"
            )
        self._left = _count(options["frames"]) if "frames" in options else None
        self.pause = 0.0
        self.frames = 0
        core = require("harvesters.core", "camera")
        producer = Path(options["cti"])
        if not producer.is_file():
            raise SpecsightError(
                f"there is no GenTL producer '{producer}': it comes with the camera's software (.cti)"
            )
        self._harvester = core.Harvester()
        self._camera: Any = None
        try:
            self._harvester.add_file(str(producer), check_existence=True, check_validity=True)
            self._harvester.update()
            self._camera = self._harvester.create(self._which(options.get("serial")))
            self._set(options)
            self._camera.start()
        except SpecsightError:
            self.close()
            raise
        except Exception as error:  # producers raise whatever they like
            self.close()
            raise SpecsightError(f"camera of '{producer}': {type(error).__name__}: {error}") from error
        self._timeout = core.TimeoutException

    def next(self) -> Arrival | None:
        """The next frame; None where none came in a while. Raises SpecsightError where the camera is gone."""
        if self.ended:
            return None
        try:
            with self._camera.fetch(timeout=WAIT) as buffer:
                component = buffer.payload.components[0]
                pixels = pixels_of(component.data, component.width, component.height, component.data_format)
        except (self._timeout, TimeoutError):
            return None
        except SpecsightError:
            raise
        except Exception as error:  # producers raise whatever they like
            raise SpecsightError(
                f"the camera gives no frames any more: {type(error).__name__}: {error}"
            ) from error
        self.frames += 1
        self.ended = self._left is not None and self.frames >= self._left
        name = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"[:-3] + f"-{self.frames}"
        return Arrival(name, f"{name}.png", _png(pixels))

    def close(self) -> None:
        """Stop the camera, and give it back."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.destroy()
        self._harvester.reset()

    def _which(self, serial: str | None) -> int:
        cameras = self._harvester.device_info_list
        serials = [str(one.serial_number) for one in cameras]
        if not cameras:
            raise SpecsightError(
                "the GenTL producer finds no camera: is it switched on, and on this network?"
            )
        if serial is None and len(cameras) > 1:
            raise SpecsightError(
                f"there are {len(cameras)} cameras: name one, serial={' or serial='.join(serials)}"
            )
        if serial is not None and serial not in serials:
            raise SpecsightError(f"no camera has serial number {serial}; there are {', '.join(serials)}")
        return 0 if serial is None else serials.index(serial)

    def _set(self, options: Mapping[str, str]) -> None:
        """Set what was asked for, by the names of the standard (GenICam SFNC)."""
        nodes = self._camera.remote_device.node_map
        if (trigger := options.get("trigger")) is not None:
            nodes.TriggerMode.value = "Off" if trigger == "off" else "On"
            if trigger != "off":
                nodes.TriggerSource.value = trigger
        if "exposure" in options:
            nodes.ExposureTime.value = float(_count(options["exposure"]))


def camera_options(text: str) -> dict[str, str]:
    """ "cti=FILE,serial=7" as a mapping. Raises SpecsightError for anything else."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if any(not (name and sign and value) for name, sign, value in pairs):
        raise SpecsightError(
            f"--camera {text}: write name=value with commas, such as cti=/opt/vendor/producer.cti"
        )
    return {name: value for name, _, value in pairs}


def pixels_of(data: NDArray[Any], width: int, height: int, pixel_format: str) -> NDArray[Any]:
    """A frame's (H, W) grey or (H, W, 3) RGB pixels, uint8 or uint16, of what a camera sends (PFNC names).

    Raises SpecsightError for formats that are not read.
    """
    import cv2

    depth = 16 if data.dtype == np.uint16 else 8
    bits = next((int(n) for n in ("8", "10", "12", "14", "16") if pixel_format.rstrip("a").endswith(n)), 0)
    plain = bits and "Packed" not in pixel_format and not pixel_format.endswith("p")
    if plain and pixel_format.startswith("Mono"):
        pixels: NDArray[Any] = data.reshape(height, width)
    elif plain and pixel_format[:7] in BAYER:
        code = getattr(cv2, f"COLOR_Bayer{BAYER[pixel_format[:7]]}2RGB")
        pixels = np.asarray(cv2.cvtColor(data.reshape(height, width), code))
    elif plain and pixel_format.startswith(("RGB", "BGR")):
        channels = 4 if pixel_format[3:4] == "a" else 3
        pixels = data.reshape(height, width, channels)[..., :3]
        pixels = pixels[..., ::-1] if pixel_format.startswith("BGR") else pixels
    else:
        raise SpecsightError(f"the camera sends {pixel_format}: set PixelFormat to Mono8, RGB8 or BayerRG8")
    # Bits at the bottom of a word are moved to its top, so that white is white.
    return np.ascontiguousarray(pixels << (16 - bits) if depth == 16 else pixels)


def _png(pixels: NDArray[Any]) -> bytes:
    import cv2
    from PIL import Image

    if pixels.dtype == np.uint16:  # which Pillow writes in grey alone
        done, content = cv2.imencode(".png", pixels if pixels.ndim == 2 else pixels[..., ::-1])
        assert done
        return bytes(content)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SpecsightError(f"--camera: '{text}' is no whole number above 0")
    return int(text)
