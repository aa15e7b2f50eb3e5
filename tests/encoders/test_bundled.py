"""The encoder that ships: small, found by name, seeing and reading; the default everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="the bundled encoder needs the extra 'models'")

from specsight.cli.options import ENCODER
from specsight.detectors import create_detector
from specsight.detectors.patchcore import PatchCore
from specsight.encoders import BUNDLED, encoders, load_encoder
from specsight.encoders.checkpoint import SHIPPED
from specsight.evaluation import DetectorConfig
from specsight.specification.synonyms import PHRASES
from specsight.synthetic.defects import synthesise
from specsight.synthetic.scenes.blocks import render_block


def test_it_is_small_complete_and_half_precision() -> None:
    from safetensors import safe_open

    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 31e6
    with safe_open(SHIPPED / "model.safetensors", "np") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (not a mapping)
    assert kinds <= {"F16", "I64"}
    assert json.loads((SHIPPED / "preprocessor_config.json").read_text())["do_normalize"]


def test_it_is_the_default_everywhere() -> None:
    assert BUNDLED == ENCODER == DetectorConfig().encoder == PatchCore().encoder
    assert BUNDLED in encoders


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160), (48, 208)])
def test_it_sees_and_reads_at_any_size_and_aspect(height: int, width: int) -> None:
    encoder = load_encoder(BUNDLED)
    pixels = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    eight, sixteen = encoder.layers(pixels)
    assert eight.shape == (2, 128, height // 8, width // 8)
    assert sixteen.shape == (2, 288, height // 16, width // 16)
    patches, pooled = encoder.embed_patches(pixels), encoder.embed_images(pixels)
    assert patches.shape == (2, 256, height // 16, width // 16)
    assert np.allclose(np.linalg.norm(patches, axis=1), 1, atol=1e-4)
    assert pooled.shape == encoder.embed_texts(["a crack", "a flawless tyre"]).shape == (2, 256)


def test_words_mean_what_they_mean() -> None:
    """Names of one kind of defect lie nearer to each other than to those of unlike kinds, and far from "good"."""
    encoder = load_encoder(BUNDLED)
    kinds = ["crack", "hole", "stain", "dent", "fibre", "exposed cord"]
    vectors = {kind: encoder.embed_texts(PHRASES[kind][:4]) for kind in kinds}
    good = encoder.embed_texts(["a flawless part", "a part without defects", "a perfect part"])
    for kind, own in vectors.items():
        within = (own @ own.T)[np.triu_indices(len(own), 1)].mean()
        across = max(float((own @ other.T).mean()) for k, other in vectors.items() if k != kind)
        assert within > across + 0.2, kind
        assert within > float((own @ good.T).mean()) + 0.1, kind


def test_patches_of_unseen_scenes_answer_to_words() -> None:
    """On blocks of seeds that training never used, a hole's cells look more like "a hole" than the others do."""
    encoder = load_encoder(BUNDLED)
    hole, good = encoder.embed_texts(["a hole", "a flawless tile"])
    inside, outside = [], []
    for seed in range(12):
        rng = np.random.default_rng((10**10, seed))
        made = synthesise(rng, render_block(rng, 160).rgb, "hole")
        margins = np.tensordot(hole - good, encoder.embed_patches(made.rgb[None])[0], 1)
        shares = made.mask.reshape(10, 16, 10, 16).mean((1, 3))
        inside += margins[shares > 0.2].tolist()
        outside += margins[shares == 0].tolist()
    ranks = np.mean([[x > y for y in outside] for x in inside])
    assert len(inside) >= 5
    assert ranks > 0.8


def test_without_torch_the_message_names_the_line_to_install() -> None:
    load = "from specsight.encoders import load_encoder\nload_encoder('bundled')"
    code = f"import sys; sys.modules['torch'] = None\n{load}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'specsight[models]'" in done.stderr


def test_a_model_fitted_with_it_moves_between_machines(tmp_path: Path) -> None:
    """What is saved names the encoder, not a path: another machine finds its own copy."""
    from PIL import Image

    from specsight.records import Sample

    picture = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(picture)
    create_detector("patchcore", resolution=64).fit([Sample("a", picture, "p", label="good")]).save(tmp_path)
    assert json.loads((tmp_path / "detector.json").read_text())["encoder"]["name"] == BUNDLED


def test_the_list_and_the_doctor_know_it() -> None:
    from specsight.cli import cli

    assert BUNDLED in CliRunner().invoke(cli, ["list", "encoders"]).output
    assert BUNDLED in CliRunner().invoke(cli, ["doctor"]).output
