"""Trains the embedded landmark network (`clef_rt/detect/landmarks.onnx`) on one CPU core in about ten minutes.

`python -m training.landmarks --data DATA` reads `real_faces/real_faces.zip` (photographs with YuNet's boxes and
landmarks), `ferplus/ferplus_48.npz` and `yunet/yunet_n_640_640.onnx` (which labels FERPlus), and writes the model and
its card. Everything it learns of landmarks is YuNet's: pseudo-labels, no human clicked a point.
"""

from __future__ import annotations

import copy
import csv
import math
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
import onnx
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from torch import nn
from torch.nn import functional as F

from clef_rt.align import face_template
from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.detect.landmarks import CROP_ENLARGED, CROP_SIZE, MODEL, LandmarkNet

SOURCE_SIZE: Final = 96  # faces are kept at this size: twice what the network sees, so bilinear warping doesn't alias
MIRRORED: Final = [1, 0, 2, 4, 3]
HELD_OUT: Final = ("brick.png", "coffee.png", "rocket.jpg")
"""Photographs without faces of which nothing is trained on."""
PHOTOS: Final = (
    *("camera.png", "cell.png", "chelsea.png", "chessboard_GRAY.png", "clock_motion.png", "grass.png", "gravel.png"),
    *("horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg"),
    "text.png",
)
FERPLUS_FACES: Final = 14_000
NEGATIVES: Final = 0.4  # of each batch
console = Console()
Gray = NDArray[np.uint8]


class Block(nn.Module):
    """Depthwise 3×3, pointwise 1×1; with a shortcut where the shape stays."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width_in, width_in, 3, stride, 1, groups=width_in, bias=False)
        self.norm = nn.BatchNorm2d(width_in)
        self.pointwise = nn.Conv2d(width_in, width, 1, bias=False)
        self.norm_out = nn.BatchNorm2d(width)
        self.shortcut = stride == 1 and width_in == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C_in, H, W) → (n, C, H/stride, W/stride)."""
        y = F.relu(self.norm_out(self.pointwise(F.relu(self.norm(self.depthwise(x))))))
        return x + y if self.shortcut else y


class LandmarkModel(nn.Module):
    """(n, 64, 64) uint8 → landmarks (n, 5, 2) in sides of the crop from its centre, and presence (n,) as a logit.

    A small feature pyramid; each landmark is the mean position of a 16×16 heat map (integral regression, Sun et al.
    2018, arXiv 1711.08229), which needs a tenth of a fully connected head's weights and errs half as much.
    """

    grid: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16))
        self.fine = nn.Sequential(Block(16, 40, 2), Block(40, 40), Block(40, 40))
        self.middle = nn.Sequential(Block(40, 72, 2), Block(72, 72), Block(72, 72))
        self.coarse = nn.Sequential(Block(72, 112, 2), Block(112, 112), Block(112, 112))
        self.to_middle = nn.Conv2d(112, 72, 1)
        self.to_fine = nn.Sequential(Block(72, 72), nn.Conv2d(72, 40, 1))
        self.heat = nn.Sequential(Block(40, 40), Block(40, 40), nn.Conv2d(40, 5, 1))
        self.presence = nn.Sequential(nn.Conv2d(112, 16, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 1))
        steps = ((torch.arange(16) + 0.5) / 16 - 0.5) * 1.25  # so that a point may lie a little outside of the crop
        grid = torch.stack([steps.repeat(16), steps.repeat_interleave(16)], dim=1)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each crop is brought to mean 0 and deviation 1 first, so light and contrast don't matter."""
        x = crops.to(torch.float32)[:, None]
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(2, 3), keepdim=True).sqrt() + 4)  # 4 grey levels: don't amplify pure noise
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = middle + F.interpolate(self.to_middle(coarse), scale_factor=2.0)
        fine = fine + F.interpolate(self.to_fine(middle), scale_factor=2.0)
        heat = self.heat(fine).flatten(2).softmax(dim=2)
        return heat @ self.grid, self.presence(coarse)[:, 0]


class Exported(nn.Module):
    """The model as the runtime calls it: presence as a probability."""

    def __init__(self, model: LandmarkModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 64, 64) uint8 → (n, 5, 2), (n,)."""
        landmarks, presence = self.model(crops)
        return landmarks, presence.sigmoid()


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of about 96 px with one labelled face each."""

    images: list[Gray]
    landmarks: NDArray[np.float32]


def load_real_faces(data: Path, split: str, size: int = SOURCE_SIZE) -> Faces:
    """The photographs of one split (by subject), shrunk so that their longer side is `size`."""
    images, landmarks = [], []
    with zipfile.ZipFile(data / "real_faces" / "real_faces.zip") as archive:
        for row in csv.DictReader(archive.read("labels.csv").decode().splitlines()):
            if row["split"] == split and float(row["yunet_score"]) >= 0.75:
                image = cv2.imdecode(np.frombuffer(archive.read(f"images/{row['file']}"), np.uint8), 0)
                points = np.array(row["landmarks"].split(), np.float32).reshape(5, 2)
                scale = min(1.0, size / max(image.shape))
                if scale < 1:
                    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                images.append(image)
                landmarks.append((points + 0.5) * scale - 0.5)
    return Faces(images, np.array(landmarks, np.float32))


def load_ferplus(data: Path, count: int) -> Faces:
    """Training faces of FERPlus, enlarged, with the landmarks that YuNet finds in them."""
    arrays = np.load(data / "ferplus" / "ferplus_48.npz")
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(arrays["split"] == 0))[:count]
    pictures = arrays["images"]
    pad, side = 32, 96
    detector = cv2.FaceDetectorYN.create(str(data / "yunet/yunet_n_640_640.onnx"), "", (160, 160), 0.75)
    images, landmarks = [], []
    for index in chosen:
        large = cv2.resize(pictures[index], (side, side), interpolation=cv2.INTER_CUBIC)
        padded = cv2.copyMakeBorder(large, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=float(large.mean()))
        found = detector.detect(cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR))[1]
        if found is not None and len(found) == 1:
            images.append(large)
            landmarks.append(found[0, 4:14].reshape(5, 2) - pad)
    return Faces(images, np.array(landmarks, np.float32))


def cut_negatives(names: tuple[str, ...], count: int, rng: np.random.Generator) -> list[Gray]:
    """Patches of photographs without faces; where the cascade sees one in them all the same, twice as often."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
    patches: list[Gray] = []
    for name in names:
        photo = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        height, width = photo.shape
        squares = [(*box[:2], box[2]) for box in cascade.detectMultiScale(photo, 1.1, 0, minSize=(24, 24))[:200]]
        for _ in range(count // len(names)):
            side = int(np.exp(rng.uniform(np.log(32), np.log(min(height, width)))))
            squares.append((rng.integers(0, width - side + 1), rng.integers(0, height - side + 1), side))
        for left, top, side in squares:
            mode = cv2.INTER_AREA if side > SOURCE_SIZE else cv2.INTER_LINEAR
            patch = photo[top : top + side, left : left + side]
            patches.append(cv2.resize(patch, (SOURCE_SIZE, SOURCE_SIZE), interpolation=mode))
    return patches


class Sampler:
    """Makes batches of crops: faces in boxes that are somewhat wrong, and what isn't a face or isn't in the box."""

    def __init__(self, faces: Faces, patches: list[Gray], seed: int = 0) -> None:
        self.faces = faces
        self.patches = patches
        self.rng = np.random.default_rng(seed)

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Crops (n, 64, 64) uint8, landmarks (n, 5, 2) and presence (n,), 0 or 1."""
        crops = np.empty((count, CROP_SIZE, CROP_SIZE), np.uint8)
        landmarks = np.zeros((count, 5, 2), np.float32)
        presence = np.zeros(count, np.float32)
        for index in range(count):
            kind = self.rng.random()
            if kind >= NEGATIVES:
                crops[index], landmarks[index] = self.face()
                presence[index] = 1
            elif kind >= 0.55 * NEGATIVES:
                crops[index] = self._augment(self._warp(self._patch(), face_template(SOURCE_SIZE).points)[0])
            elif kind >= 0.2 * NEGATIVES:
                crops[index] = self.face(wrong_box=True)[0]
            elif kind >= 0.1 * NEGATIVES:
                crops[index] = self._augment(self._occlude(self.face()[0], 0.75, 1.0))
            else:
                crops[index] = self._augment(self._texture())
        return torch.from_numpy(crops), torch.from_numpy(landmarks), torch.from_numpy(presence)

    def face(self, *, wrong_box: bool = False) -> tuple[Gray, NDArray[np.float32]]:
        """One augmented crop of a face and its landmarks; with `wrong_box`, one that shows too little of the face."""
        index = self.rng.integers(len(self.faces.images))
        image, points = self.faces.images[index], self.faces.landmarks[index]
        if self.rng.random() < 0.5:
            image = image[:, ::-1]
            points = (points * (-1, 1) + (image.shape[1] - 1, 0))[MIRRORED]
        crop, points = self._warp(np.ascontiguousarray(image), points, wrong_box=wrong_box)
        if not wrong_box and self.rng.random() < 0.2:
            crop = self._occlude(crop, 0.15, 0.4)
        return self._augment(crop), points

    def _patch(self) -> Gray:
        return self.patches[self.rng.integers(len(self.patches))]

    def _warp(self, image: Gray, points: NDArray[Any], *, wrong_box: bool = False) -> tuple[Gray, NDArray[np.float32]]:
        rng = self.rng
        angle = math.radians(rng.uniform(-25, 25) if rng.random() < 0.85 else rng.uniform(-50, 50))
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        rotation[:, 0] *= rng.uniform(0.92, 1.06)  # narrower or wider faces
        turned = points @ rotation.T
        x, y, width, height = box_from_landmarks(turned[None].astype(np.float32))[0].astype(float)
        shift, zoom = rng.uniform(-0.15, 0.15, 2), math.exp(rng.uniform(math.log(0.8), math.log(1.3)))
        if wrong_box:
            kind = rng.random()
            if kind < 0.6:
                direction = rng.uniform(0, 2 * math.pi)
                shift = rng.uniform(0.6, 1.2) * np.array([math.cos(direction), math.sin(direction)])
            else:
                zoom = rng.uniform(0.2, 0.42) if kind < 0.8 else rng.uniform(2.6, 4.5)
                shift = rng.uniform(-0.4, 0.4, 2)
        side = max(width, height) * zoom * CROP_ENLARGED
        centre = np.array([x + width / 2, y + height / 2]) + shift * (width, height)
        scale = CROP_SIZE / side
        matrix = np.concatenate([rotation * scale, ((CROP_SIZE - 1) / 2 - centre * scale)[:, None]], axis=1)
        crop = np.empty((CROP_SIZE, CROP_SIZE), np.uint8)
        border = rng.random()
        mode = cv2.BORDER_TRANSPARENT
        if border < 0.5:
            crop[:] = cv2.resize(self._patch(), (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
        else:
            mode = cv2.BORDER_REPLICATE if border < 0.8 else cv2.BORDER_REFLECT_101
            mode = mode if border < 0.92 else cv2.BORDER_CONSTANT
        cv2.warpAffine(
            image, matrix, (CROP_SIZE, CROP_SIZE), dst=crop, borderMode=mode, borderValue=float(rng.integers(256))
        )
        mapped = points @ matrix[:, :2].T + matrix[:, 2]
        return crop, ((mapped + 0.5) / CROP_SIZE - 0.5).astype(np.float32)

    def _occlude(self, crop: Gray, low: float, high: float) -> Gray:
        """Cover a part of the crop, `low` to `high` of its side, with something else."""
        rng = self.rng
        width, height = (int(CROP_SIZE * rng.uniform(low, high)) for _ in range(2))
        left, top = (int(rng.integers(0, CROP_SIZE - length + 1)) for length in (width, height))
        crop = crop.copy()
        cover = crop[top : top + height, left : left + width]
        if rng.random() < 0.5:
            cover[:] = rng.integers(256)
        else:
            cover[:] = cv2.resize(self._patch(), (width, height), interpolation=cv2.INTER_AREA)
        return crop

    def _texture(self) -> Gray:
        """Noise of some grain on a gradient: walls, foliage, sensor noise."""
        rng = self.rng
        grain = int(2 ** rng.uniform(1, 6))
        noise = cv2.resize(rng.normal(0, rng.uniform(0, 60), (grain, grain)), (CROP_SIZE, CROP_SIZE))
        y, x = np.mgrid[-1 : 1 : CROP_SIZE * 1j, -1 : 1 : CROP_SIZE * 1j]  # type: ignore[misc]
        plane = rng.uniform(20, 235) + rng.normal(0, 30) * x + rng.normal(0, 30) * y
        return np.clip(plane + noise, 0, 255).astype(np.uint8)

    def _augment(self, crop: Gray) -> Gray:
        """Light, contrast, blur, low resolution, noise and compression, each at times."""
        rng = self.rng
        if rng.random() < 0.15:
            small = int(rng.integers(14, 40))
            crop = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
            crop = cv2.resize(crop, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)
        elif rng.random() < 0.25:
            crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.6))
        elif rng.random() < 0.1:
            length = int(rng.integers(3, 8))
            crop = cv2.blur(crop, (length, 1) if rng.random() < 0.6 else (1, length))
        levels = np.arange(256, dtype=np.float32) / 255
        levels = levels ** math.exp(rng.normal(0, 0.35)) * rng.uniform(0.35, 1.25) + rng.uniform(-0.1, 0.15)
        crop = cv2.LUT(crop, np.clip(levels * 255, 0, 255).astype(np.uint8))
        if rng.random() < 0.2:  # light from one side
            ramp = np.linspace(rng.uniform(0.3, 1), 1, CROP_SIZE, dtype=np.float32)[:: rng.choice([-1, 1])]
            crop = (crop * (ramp[None] if rng.random() < 0.7 else ramp[:, None])).astype(np.uint8)
        if rng.random() < 0.3:
            noise = rng.normal(0, rng.uniform(1, 14), crop.shape)
            crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
        if rng.random() < 0.1:
            crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))])[1], 0)
        return np.asarray(crop, np.uint8)


def train(sampler: Sampler, minutes: float, batch: int = 128, rate: float = 4e-3) -> LandmarkModel:
    """Train until the time is up; the learning rate follows the clock, so any time gives a finished model."""
    torch.manual_seed(0)
    model = LandmarkModel().to(memory_format=torch.channels_last)  # depthwise layers: twice as fast
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    start, steps, losses = time.monotonic(), 0, [0.0, 0.0]
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(done / 0.03 + 0.01, 1) * (0.5 + 0.5 * math.cos(math.pi * done))
        crops, landmarks, presence = sampler.batch(batch)
        points, logit = model(crops)
        mask = presence[:, None, None]
        point_loss = (F.smooth_l1_loss(points, landmarks, beta=0.01, reduction="none") * mask).sum() / mask.sum() / 10
        presence_loss = F.binary_cross_entropy_with_logits(logit, presence)
        optimizer.zero_grad()
        (20 * point_loss + presence_loss).backward()
        optimizer.step()
        steps += 1
        update_average(average, model, min(0.998, (1 + steps) / (10 + steps)))
        losses = [0.98 * a + 0.02 * b.item() for a, b in zip(losses, (point_loss, presence_loss), strict=True)]
        if steps % 200 == 0:
            console.print(f"{100 * done:3.0f} %  step {steps}  points {losses[0]:.4f}  presence {losses[1]:.4f}")
    console.print(f"{steps} steps of {batch}")
    return average.eval()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move each weight and running statistic of the average a little towards the model's."""
    for own, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if own.is_floating_point():
            own.lerp_(new, 1 - decay)
        else:
            own.copy_(new)


def export(model: LandmarkModel, path: Path) -> None:
    """Write the ONNX file: uint8 in, normalisation inside, any batch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    crops = torch.zeros((2, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    torch.onnx.export(
        Exported(model).eval(),
        (crops,),
        str(path),
        input_names=["crops"],
        output_names=["landmarks", "presence"],
        dynamic_shapes={"crops": {0: torch.export.Dim("n", min=1, max=4096)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    proto = onnx.load(path)
    for node in proto.graph.node:  # the exporter's stack traces: a quarter of the file
        del node.metadata_props[:]
    del proto.graph.metadata_props[:], proto.metadata_props[:]
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
    onnx.save(proto, path)


def evaluate(net: LandmarkNet, faces: Faces, patches: list[Gray], seed: int = 1) -> dict[str, float]:
    """Figures on faces and photographs that were not trained on, by the runtime's own `refine`.

    Boxes are the labels' boxes, moved by ±15 % and scaled 0.8–1.3. NME is the mean distance of the five points to
    the labels over the distance of the eyes. For presence, negatives are patches of photographs without faces, and
    boxes on the same faces' pictures that lie 0.6–1.2 sizes off.
    """
    rng = np.random.default_rng(seed)
    truth = box_from_landmarks(faces.landmarks)
    zoom = np.exp(rng.uniform(math.log(0.8), math.log(1.3), (len(truth), 1)))
    centre = truth[:, :2] + truth[:, 2:] * (0.5 + rng.uniform(-0.15, 0.15, (len(truth), 2)))
    boxes = np.concatenate([centre - truth[:, 2:] * zoom / 2, truth[:, 2:] * zoom], axis=1).astype(np.float32)
    eyes = np.linalg.norm(faces.landmarks[:, 0] - faces.landmarks[:, 1], axis=1)
    figures: dict[str, float] = {"faces": len(truth), "patches": len(patches)}
    present = np.zeros(0)
    for passes in (1, 2):
        found = net.refine(faces.images, list(boxes[:, None]), passes=passes)
        points = np.concatenate([item[0] for item in found])
        present = np.concatenate([item[1] for item in found])
        error = np.linalg.norm(points - faces.landmarks, axis=2).mean(axis=1) / eyes
        figures[f"nme_{passes}"] = float(error.mean())
        figures[f"nme_{passes}_p95"] = float(np.percentile(error, 95))
        figures[f"failures_{passes}"] = float((error > 0.1).mean())
    angle = rng.uniform(0, 2 * math.pi, (len(truth), 1))
    away = truth.copy()
    away[:, :2] += rng.uniform(0.6, 1.2, (len(truth), 1)) * np.hstack([np.cos(angle), np.sin(angle)]) * truth[:, 2:]
    off = np.concatenate([item[1] for item in net.refine(faces.images, list(away[:, None]))])
    whole = np.array([[12, 12, 72, 72]], np.float32)
    none = np.concatenate([item[1] for item in net.refine(patches, [whole] * len(patches))])
    figures["auc_patches"], figures["auc_off_box"] = auc(present, none), auc(present, off)
    figures["recall_at_half"] = float((present > 0.5).mean())
    figures["false_patches_at_half"] = float((none > 0.5).mean())
    figures["false_off_box_at_half"] = float((off > 0.5).mean())
    return figures


def auc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """The probability that a positive scores higher than a negative; ties count half."""
    both = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    total = ranks[inverse[: len(positive)]].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(positive) * len(negative)))


def main(
    data: Annotated[Path, typer.Option(help="Folder with real_faces, ferplus and yunet.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = MODEL,
    minutes: Annotated[float, typer.Option(help="Time to train, without loading.", min=0.01)] = 8,
    ferplus: Annotated[int, typer.Option(help="How many faces of FERPlus to use.", min=0)] = FERPLUS_FACES,
) -> None:
    """Train, export and measure the landmark network."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    faces = load_real_faces(data, "train")
    if ferplus:
        more = load_ferplus(data, ferplus)
        faces = Faces(faces.images + more.images, np.concatenate([faces.landmarks, more.landmarks]))
    patches = cut_negatives(PHOTOS, 8_000, rng)
    console.print(f"{len(faces.images)} faces, {len(patches)} patches without")
    model = train(Sampler(faces, patches), minutes)
    export(model, out)
    console.print(f"{out}: {out.stat().st_size / 1000:.0f} kB")
    held_out = cut_negatives(HELD_OUT, 2_000, rng)
    for split in ("val", "test"):
        figures = evaluate(LandmarkNet(out), load_real_faces(data, split, size=10_000), held_out)
        console.print(split, {key: round(value, 4) for key, value in figures.items()})


if __name__ == "__main__":
    typer.run(main)
