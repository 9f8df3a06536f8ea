"""`python -m training.landmarks`: data in, ONNX file and figures out; one CPU core, about twelve minutes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer

from clef_rt.detect.landmarks import MODEL, LandmarkNet
from training.landmarks.card import write_card
from training.landmarks.data import HELD_OUT, PHOTOS, cut_negatives, load_faces
from training.landmarks.evaluate import evaluate
from training.landmarks.fit import console, export, train
from training.landmarks.sampler import Sampler
from training.landmarks.teacher import Teacher


def main(
    data: Annotated[Path, typer.Option(help="Folder with real_faces, ferplus and mediapipe.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = MODEL,
    minutes: Annotated[float, typer.Option(help="Time to train, without labelling.", min=0.01)] = 8,
    ferplus: Annotated[int, typer.Option(help="How many faces of FERPlus to use.", min=0)] = 7_000,
) -> None:
    """Label, train, export and measure; the card is written beside the ONNX file."""
    if importlib.util.find_spec("mediapipe") is None:
        console.print("mediapipe, which labels the faces, is not installed. Install it with: pip install mediapipe")
        raise typer.Exit(2)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    with Teacher(data / "mediapipe" / "face_landmarker.task") as teacher:
        faces = load_faces(data, "train", teacher, ferplus=ferplus)
        judges = {split: load_faces(data, split, teacher, size=10_000) for split in ("val", "test")}
    patches = cut_negatives(PHOTOS, 8_000, rng)
    console.print(f"{len(faces.images)} faces, {len(patches)} patches without")
    export(train(Sampler(faces, patches), minutes), out)
    console.print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    held_out = cut_negatives(HELD_OUT, 2_000, rng)
    figures = {split: evaluate(LandmarkNet(out), judge, held_out) for split, judge in judges.items()}
    card = out.with_name("LANDMARKS_CARD.md")
    card.write_text(write_card(figures, faces=len(faces.images), patches=len(patches), minutes=minutes))
    console.print(f"{card} written; test: {figures['test']}")


if __name__ == "__main__":
    typer.run(main)
