"""The verb `parts`: outline parts on a picture, show the outlines, and show where parts are found on others."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import DEVICE_HELP, ENCODER, MAX_MEGAPIXELS, PATH, RUNTIME
from specsight.errors import SpecsightError
from specsight.learning.device import AUTO

if TYPE_CHECKING:
    from specsight.specification import Specification


@click.command()
@click.argument("picture", type=PATH, required=False)
@click.option("--spec", type=PATH, required=True, help="Specification (YAML) that the outlines are saved in.")
@click.option("--show", is_flag=True, help="Write a picture of the outlines in place of opening the page.")
@click.option("--on", type=PATH, help="Folder of further pictures: write where parts are found on each.")
@click.option("--out", type=PATH, help="File (--show) or folder (--on) to write to.")
@click.option("--encoder", default=ENCODER, show_default=True, help="What finds parts on them (--on).")
@click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP)
@RUNTIME
@click.option("--no-browser", is_flag=True, help="Print the page's address and open nothing.")
@MAX_MEGAPIXELS
def parts(
    picture: Path | None,
    spec: Path,
    show: bool,
    on: Path | None,
    out: Path | None,
    encoder: str,
    device: str,
    no_browser: bool,
) -> None:
    """Outline the parts of a product on one good PICTURE, on a page in your browser.

    The page is served on this machine alone. Saving writes the outlines into the specification and leaves the rest of
    it, comments too, as it is; a file that is not there is made. Without PICTURE, the one that is outlined already is
    opened. The parts of every other picture follow from it.

    \b
    specsight parts good/0001.png --spec cap.yaml
    specsight parts --spec cap.yaml --show --out outlines.png
    specsight parts --spec cap.yaml --on photos/ --out found/
    """
    from specsight.specification import load_specification

    if picture is not None and not picture.is_file():
        raise SpecsightError(f"there is no picture '{picture}': name a good picture of the product")
    words = load_specification(spec) if spec.exists() else None
    if on is not None:
        _found(_outlined(words, spec), on, out, encoder, device)
        return
    if picture is None:
        reference = _outlined(words, spec).reference
        picture = Path(reference.picture) if reference else spec
    if show:
        _show(_outlined(words, spec), spec, picture, out)
    else:
        _serve(picture, spec, no_browser)


def _outlined(words: Specification | None, spec: Path) -> Specification:
    if words is None or words.reference is None:
        raise SpecsightError(f"'{spec}' outlines no part yet: name a picture to outline them on")
    return words


def _serve(picture: Path, spec: Path, no_browser: bool) -> None:
    from specsight.parts.outlining import OutliningServer

    server = OutliningServer(picture, spec, screen.say)
    screen.say(f"outline parts here: {server.address}", "close the page with its button, or press Ctrl-C")
    if not no_browser:
        webbrowser.open(server.address)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _show(words: Specification, spec: Path, picture: Path, out: Path | None) -> None:
    from specsight import images
    from specsight.parts import outlined, overlay, part_map, part_names
    from specsight.storage import write_bytes

    drawn = [Path(reference.picture).resolve() for reference, _ in outlined(words)]
    if picture.resolve() not in drawn:
        raise SpecsightError(
            f"no part is outlined on '{picture}': name one of {', '.join(str(one) for one in drawn)}, "
            "or see where parts are found with --on"
        )
    out = out or Path(f"{picture.stem}_parts.png")
    if out.resolve() in (*drawn, spec.resolve()):
        raise SpecsightError(f"--out '{out}' is a file that this reads: choose another")
    rgb = images.read_rgb(picture)
    shown = part_map(words, (rgb.shape[0], rgb.shape[1]), drawn.index(picture.resolve()))
    write_bytes(out, overlay(rgb, shown, part_names(words)))
    screen.say(f"saved: {out}")


def _found(words: Specification, on: Path, out: Path | None, encoder: str, device: str) -> None:
    from specsight.inspector.part_maps import Overlays
    from specsight.storage import check_output, given_path, write_bytes

    out = out or Path(f"{given_path(on, 'the folder of pictures').resolve().name}_parts")
    if not on.is_dir():
        raise SpecsightError(f"--on '{on}' is no folder: name the folder of the pictures")
    if out.resolve().is_relative_to(on.resolve()):
        raise SpecsightError(
            f"--out '{out}' is in the folder of the pictures, which it could replace: choose another"
        )
    check_output(out)
    overlays, matched, count = Overlays(words, encoder, device), 0, 0
    out.mkdir(parents=True, exist_ok=True)
    for one in overlays.of_folder(on):
        count += 1
        matched += one.found
        if one.png:
            write_bytes(out / one.name, one.png)
        if one.note:
            screen.say(f"{one.name}: {one.note}")
    screen.say(f"{count} pictures, parts found on {matched}: {out}")
