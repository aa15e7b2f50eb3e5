"""Discovery: one new file, or another distribution, is enough; what is broken is named and harms nothing else."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias, ModuleType

import pytest

import specsight
from specsight import datasets, detectors, encoders, language
from specsight.errors import SpecsightError
from specsight.metrics import metrics
from specsight.registry import Registry
from specsight.synthetic.defects import synthesisers

DETECTOR = '''"""A new method."""
from dataclasses import dataclass
from specsight.detectors.contract import detectors
from specsight.detectors.patchcore import PatchCore

@detectors.register("{name}")
@dataclass
class New(PatchCore):
    """The method of a new file."""
    name = "{name}"
'''


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def concrete(package: ModuleType, base: type, *, named: bool = True) -> set[type]:
    """Classes of a package that can be instantiated, have a name where `named`, and are of `base`'s kind."""
    # Python 3.10 takes `list[int]` and the like for classes too.
    members = (c for m in modules(package) for _, c in inspect.getmembers(m, inspect.isclass))
    classes = {c for c in members if not isinstance(c, GenericAlias)}
    return {
        c
        for c in classes
        if issubclass(c, base) and not inspect.isabstract(c) and (hasattr(c, "name") or not named)
    }


def specsight_(*words: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with `path` in front of everything that is installed."""
    search = os.pathsep.join([str(path), str(Path(specsight.__file__).parents[1])])
    return subprocess.run(
        [sys.executable, "-m", "specsight.cli", *words],
        env={**os.environ, "PYTHONPATH": search, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_concrete_detector_is_registered() -> None:
    pytest.importorskip("torch")
    registered = {kind for _, kind in detectors.detectors.items()}
    assert concrete(detectors, detectors.Detector) <= registered


def test_every_concrete_reader_is_registered() -> None:
    registered = {type(reader) for _, reader in datasets.readers.items()}
    assert concrete(datasets, datasets.Reader) <= registered


def test_every_concrete_encoder_can_be_named() -> None:
    pytest.importorskip("transformers")
    named = {type(encoders.load_encoder(name)) for name in encoders.encoders}
    # A memory in front of another encoder has no name of its own, nor has a graph in place of another.
    assert {c.__name__ for c in concrete(encoders, encoders.Encoder, named=False) - named} <= {
        "CachedEncoder",
        "ExportedEncoder",
    }


def test_every_concrete_language_model_has_an_adapter() -> None:
    pytest.importorskip("transformers")
    registered = {adapter for _, adapter in language.language_models.items()}
    assert concrete(language, language.LanguageModel, named=False) <= registered


@pytest.mark.parametrize(
    "registry",
    [
        detectors.detectors,
        datasets.readers,
        encoders.encoders,
        language.language_models,
        metrics,
        synthesisers,
    ],
)
def test_nothing_of_our_own_is_broken(registry: Registry[object]) -> None:
    assert len(registry) > 0
    assert registry.broken == {}


def test_order_does_not_depend_on_what_was_imported_first() -> None:
    code = "import {}; from specsight.synthetic.defects import synthesisers; print(list(synthesisers))"
    found = [
        subprocess.run(
            [sys.executable, "-c", code.format(f"specsight.synthetic.defects.{module}")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for module in ("draem", "lines")
    ]
    assert found[0] == found[1]
    assert found[0].startswith("['crack', 'scratch', 'cut', 'fibre', 'open splice', 'hole'")


def test_a_detector_takes_one_file(tmp_path: Path) -> None:
    copied(tmp_path, "detectors")
    (tmp_path / "specsight/detectors/brand_new.py").write_text(DETECTOR.format(name="brand_new"))
    (tmp_path / "specsight/detectors/half_written.py").write_text("@detectors.register('half'\n")
    listing = specsight_("list", "detectors", path=tmp_path)
    assert listing.returncode == 0, listing.stderr
    assert "The method of a new file." in listing.stdout
    assert "patchcore" in listing.stdout
    assert "half_written" in listing.stdout
    assert "broken: SyntaxError" in listing.stdout


def copied(folder: Path, room: str) -> None:
    """The package in `folder`, with a folder of its own for one room; the rest are links."""
    source = Path(specsight.__file__).parent
    (folder / "specsight" / room).mkdir(parents=True)
    for path in source.iterdir():
        if path.name != room:
            (folder / "specsight" / path.name).symlink_to(path)
    for path in (source / room).iterdir():
        (folder / "specsight" / room / path.name).symlink_to(path)


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """Another installed distribution, with entry points of which some are broken."""
    (tmp_path / "added.py").write_text(DETECTOR.format(name="added"))
    info = tmp_path / "added-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[specsight.detectors]\nadded = added:New\nmissing = added:Nothing\npatchcore = added:New\n"
        "\n[specsight.datasets]\nno_reader = added:New\n"
    )
    return tmp_path


def test_another_distribution_adds_a_detector(distribution: Path) -> None:
    listing = specsight_("list", "detectors", path=distribution)
    assert listing.returncode == 0, listing.stderr
    assert "The method of a new file." in listing.stdout
    assert "broken: 'added:Nothing' of distribution 'added': AttributeError" in listing.stdout
    assert "broken: 'added:New' of distribution 'added': another detector has this name" in listing.stdout


def test_broken_plugins_are_named_where_they_are_looked_up(distribution: Path) -> None:
    fit = specsight_("fit", "--good", ".", "-o", "model", "--detector", "missing", path=distribution)
    assert fit.returncode == 2
    assert "detector 'missing' is broken: 'added:Nothing' of distribution 'added'" in fit.stderr
    assert "Traceback" not in fit.stderr
    doctor = specsight_("doctor", "--encoder", "filters", path=distribution)
    assert "layout no_reader" in doctor.stdout
    assert "must be a class of specsight.datasets.Reader" in doctor.stdout


def test_a_registry_without_a_package_holds_what_is_registered() -> None:
    things: Registry[int] = Registry("thing")
    assert things.register("one")(1) == 1
    assert (list(things), len(things), "two" in things) == (["one"], 1, False)
    with pytest.raises(ValueError, match="thing 'one' is registered twice"):
        things.register("one")(2)
    with pytest.raises(SpecsightError, match="unknown thing 'on': did you mean 'one'"):
        things["on"]


def test_the_order_does_not_depend_on_what_was_imported_first() -> None:
    code = "{first}from specsight.metrics import metrics; print(*metrics)"
    lists = [
        subprocess.run(
            [sys.executable, "-c", code.format(first=first)], capture_output=True, text=True, check=True
        ).stdout
        for first in ("", "import specsight.metrics.told, specsight.metrics.modalities; ")
    ]
    assert lists[0].startswith("image_auroc ")
    assert lists[0] == lists[1]
