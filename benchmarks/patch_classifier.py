"""Train the small person classifier that ships with MOTDT, and measure every scorer.

The network tells a crop of a whole person from anything else: background, a part of a person, a box
beside one. It learns from Market-1501 (training people, and the false boxes of its detector: both
research-only) and from cameras C1 to C3 of Terrace. What is printed is the area under the ROC curve
on crops it has not learned from: other people and false boxes of Market-1501, camera C4 of Terrace,
and ADL-Rundle-6, which took no part in any choice. There the detector's score map is measured on
the same boxes.

    python -m benchmarks.patch_classifier --market DIR [--data-root DIR] [--epochs 30]
    python -m benchmarks.patch_classifier --market DIR --only-measure
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn

from benchmarks.provenance import provenance
from mtmc.datasets import find_sequence, image_files, resolve_data_root
from mtmc.detectors import OnnxDetector
from mtmc.mot_files import frame_rows, read_detections, read_ground_truth
from mtmc.reid.crops import crop
from mtmc.scorers import DetectorScorer, PatchScorer
from mtmc.scorers.patch import PATCH_INPUT, SHIPPED_WEIGHTS
from mtmc.trackers.boxes import iou_matrix

SEED = 3
TERRACE_LEARNED, TERRACE_HELD_OUT = (0, 1, 2), (3,)
PERSON_IOU, OTHER_IOU = 0.7, 0.35  # boxes in between teach nothing
PER_FRAME = 24  # boxes drawn around and beside the people of a frame
MIN_VISIBLE = 0.6  # part of a box that lies in the image
JUNK, DISTRACTOR = -1, 0
BATCH, LEARNING_RATE, WEIGHT_DECAY = 256, 2e-3, 1e-4
CHANNELS = (12, 24, 48, 64)
HIT_IOU = 0.5
EVERY = 4  # frames of ADL-Rundle-6 that are measured

Crops = tuple[np.ndarray, np.ndarray]  # (N, h, w, 3) uint8 BGR and (N,) labels


def main() -> None:
    arguments = parse_arguments()
    root = resolve_data_root(arguments.data_root)
    rng = np.random.default_rng(SEED)
    market_learned, market_held_out = read_market(arguments.market, rng)
    held_out = {
        "market1501": market_held_out,
        "terrace_c4": read_terrace(root, TERRACE_HELD_OUT, rng),
    }
    if not arguments.only_measure:
        terrace = read_terrace(root, TERRACE_LEARNED, rng)
        pixels, labels = (
            np.concatenate(parts) for parts in zip(market_learned, terrace, strict=True)
        )
        network = train(pixels, labels, arguments.epochs)
        export(network, SHIPPED_WEIGHTS)
    patch = PatchScorer(SHIPPED_WEIGHTS, threads=1)
    report: dict[str, Any] = {
        name: {"boxes": len(labels), "people": int(labels.sum()), "patch": auc(patch, crops)}
        for name, crops in held_out.items()
        for labels in [crops[1]]
    }
    detector = OnnxDetector(root / "models" / "yolox_nano_416x416.onnx", threads=1)
    report["ADL-Rundle-6"] = measure_sequence(root, patch, DetectorScorer(detector))
    print(json.dumps(report, indent=1))
    report |= provenance("mtmc/scorers", "benchmarks/patch_classifier.py")
    arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--market", type=Path, required=True, help="folder of Market-1501-v15.09.15"
    )
    parser.add_argument("--data-root", help="folder with Terrace/, MOT15/ (default: MTMC_DATA)")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--only-measure", action="store_true", help="keep the weights there are")
    default = Path(__file__).parent / "results" / "patch_classifier.json"
    parser.add_argument("--json", type=Path, default=default)
    return parser.parse_args()


def read_market(folder: Path, rng: np.random.Generator) -> tuple[Crops, Crops]:
    """Crops to learn from, and others; nobody and no false box is in both."""
    people = sorted((folder / "bounding_box_train").glob("*.jpg"))
    gallery = sorted((folder / "bounding_box_test").glob("*.jpg"))
    identity = np.array([int(path.name.rpartition("_c")[0].split("_")[0]) for path in gallery])
    false = [path for path, who in zip(gallery, identity, strict=True) if who == JUNK]
    false += [path for path, who in zip(gallery, identity, strict=True) if who == DISTRACTOR]
    others = [path for path, who in zip(gallery, identity, strict=True) if who > 0][::8]
    return (
        market_crops(people, false[::2], rng),
        market_crops(others, false[1::2], rng),
    )


def market_crops(people: list[Path], false: list[Path], rng: np.random.Generator) -> Crops:
    """Whole people, false boxes of the detector, and a cut-out part of every second person."""
    pixels, labels = [], []
    for number, path in enumerate(people):
        image = read_image(path)
        pixels.append(fit(image))
        labels.append(1.0)
        if number % 2 == 0:
            pixels.append(fit(part_of(image, rng)))
            labels.append(0.0)
    for path in false:
        pixels.append(fit(read_image(path)))
        labels.append(0.0)
    return np.stack(pixels), np.array(labels)


def part_of(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A window with less than `OTHER_IOU` of the area of the whole crop."""
    height, width = image.shape[:2]
    share = rng.uniform(0.12, OTHER_IOU)
    tall = rng.uniform(share, 1.0)
    h, w = max(4, round(height * tall)), max(4, round(width * share / tall))
    top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    return image[top : top + h, left : left + w]


def read_terrace(root: Path, cameras: tuple[int, ...], rng: np.random.Generator) -> Crops:
    """Boxes near the annotated people, beside them and anywhere."""
    boxes: dict[tuple[int, int], list[list[float]]] = {}
    with (root / "Terrace" / "gt_fixed_ids.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if int(row["view"]) in cameras and int(row["visible"]):
                box = [float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax")]
                boxes.setdefault((int(row["frame"]), int(row["view"])), []).append(box)
    pixels, labels = [], []
    for (frame, view), people in sorted(boxes.items()):
        image = read_image(root / "Terrace" / "Image_subsets" / f"C{view + 1}" / f"{frame}.jpg")
        for patch, label in sample_boxes(image, np.array(people), rng):
            pixels.append(patch)
            labels.append(label)
    return np.stack(pixels), np.array(labels)


def sample_boxes(
    image: np.ndarray, people: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, float]]:
    """Crops of people with a little jitter, of boxes that miss them, and of the background."""
    size = people[:, 2:] - people[:, :2]
    some = rng.integers(0, len(people), PER_FRAME)
    near = rng.random(PER_FRAME) < 0.5
    reach = np.where(near, 0.07, 0.5)[:, None]
    scale = np.exp(rng.normal(0, np.where(near, 0.06, 0.4)[:, None], (PER_FRAME, 2)))
    centre = (people[some, :2] + people[some, 2:]) / 2
    centre = centre + rng.normal(0, reach, (PER_FRAME, 2)) * size[some]
    anywhere = rng.random(PER_FRAME) < 0.25
    corner = rng.uniform(0, 1, (PER_FRAME, 2)) * (image.shape[1], image.shape[0])
    centre[anywhere & ~near] = corner[anywhere & ~near]
    drawn = np.hstack([centre - size[some] * scale / 2, centre + size[some] * scale / 2])
    overlap = iou_matrix(drawn, people).max(axis=1)
    for box, iou in zip(drawn, overlap, strict=True):
        patch = crop(image, box)
        if patch is None or OTHER_IOU < iou < PERSON_IOU:
            continue
        area = (box[2] - box[0]) * (box[3] - box[1])
        if patch.shape[0] * patch.shape[1] >= MIN_VISIBLE * area:
            yield fit(patch), float(iou >= PERSON_IOU)


def read_image(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    if image is None:
        raise OSError(f"{path}: not a readable image")
    return image


def fit(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (PATCH_INPUT.width, PATCH_INPUT.height), interpolation=1)


def make_network() -> nn.Sequential:
    """Four 3x3 convolutions of stride 2, the mean over the image, one output."""
    layers: list[nn.Module] = []
    for before, after in zip((3, *CHANNELS), CHANNELS, strict=False):
        layers += [
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    last = CHANNELS[-1]
    # The last map is 4x2: places keep their weights, so that head and feet are told apart.
    cells = (PATCH_INPUT.height // 16) * (PATCH_INPUT.width // 16)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(last * cells, 1))


def train(pixels: np.ndarray, labels: np.ndarray, epochs: int) -> nn.Sequential:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    network = make_network()
    images = torch.from_numpy(pixels)
    truth = torch.from_numpy(labels).float()
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps)
    loss_of = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(images)).split(BATCH):
            if len(rows) < BATCH:
                continue
            logits = network(augmented(images[rows]))[:, 0]
            loss = loss_of(logits, truth[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        mean_loss = total / (len(images) // BATCH)
        print(f"epoch {epoch + 1}: loss {mean_loss:.4f} on {len(images)} crops", flush=True)
    return network.eval()


def augmented(images: Tensor) -> Tensor:
    """Mirrored half of the time, with another brightness and contrast, colours shifted a little."""
    batch = images.permute(0, 3, 1, 2).flip(1).float() / 255.0  # BGR -> RGB
    count = len(batch)
    mirrored = torch.rand(count, 1, 1, 1) < 0.5
    batch = torch.where(mirrored, batch.flip(3), batch)
    contrast = torch.exp(0.3 * torch.randn(count, 1, 1, 1))
    shift = 0.15 * torch.randn(count, 1, 1, 1) + 0.05 * torch.randn(count, 3, 1, 1)
    mean = batch.mean((1, 2, 3), keepdim=True)
    return ((batch - mean) * contrast + mean + shift).clamp(0.0, 1.0) - 0.5


def export(network: nn.Sequential, path: Path) -> None:
    """One float32 input (N, 3, h, w) and the probability (N, 1) as an ONNX file."""
    whole = nn.Sequential(network, nn.Sigmoid()).eval()
    example = torch.zeros(2, 3, PATCH_INPUT.height, PATCH_INPUT.width)
    program = torch.onnx.export(
        whole,
        (example,),
        input_names=["patches"],
        output_names=["person"],
        opset_version=18,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    terms = {
        "trained_on": "Market-1501 (training people, junk, distractors), Terrace cameras C1 to C3",
        "terms": "data published for research; weights for research use",
    }
    onnx.helper.set_model_props(model, terms)
    onnx.save(model, str(path))


def auc(patch: PatchScorer, crops: Crops) -> float:
    return round(area_under_roc(patch.score_crops(list(crops[0])), crops[1] > 0.5), 4)


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    order = np.sort(scores[~positive])
    below = np.searchsorted(order, scores[positive], side="left")
    equal = np.searchsorted(order, scores[positive], side="right") - below
    return float((below + equal / 2).mean() / len(order))


def measure_sequence(root: Path, patch: PatchScorer, detector: DetectorScorer) -> dict[str, Any]:
    """On public detections: hits against false alarms. On drawn boxes: people against misses."""
    sequence = find_sequence("ADL-Rundle-6", root)
    images = image_files(sequence)
    found, truth = read_detections(sequence.detections_path), None
    truth = read_ground_truth(sequence.ground_truth_path)
    found_rows, truth_rows = frame_rows(found), frame_rows(truth)
    rng = np.random.default_rng(SEED)
    public: dict[str, list[np.ndarray]] = {"own": [], "patch": [], "detector": [], "hit": []}
    drawn: dict[str, list[np.ndarray]] = {"patch": [], "detector": [], "hit": []}
    for frame in sorted(images)[::EVERY]:
        image = read_image(images[frame])
        people = truth.xyxy[truth_rows[frame]]
        boxes = found.xyxy[found_rows[frame]]
        add(public, image, boxes, people, patch, detector, (HIT_IOU, HIT_IOU))
        public["own"].append(found.confidence[found_rows[frame]])
        some = people[rng.integers(0, len(people), PER_FRAME)]
        size = some[:, 2:] - some[:, :2]
        reach = rng.choice([0.07, 0.6], (PER_FRAME, 1))
        shifted = some + np.tile(rng.normal(0, reach, (PER_FRAME, 2)) * size, 2)
        add(drawn, image, shifted, people, patch, detector, (PERSON_IOU, OTHER_IOU))
    return {"public detections": summary(public), "drawn boxes": summary(drawn)}


def add(
    into: dict[str, list[np.ndarray]],
    image: np.ndarray,
    boxes: np.ndarray,
    people: np.ndarray,
    patch: PatchScorer,
    detector: DetectorScorer,
    bounds: tuple[float, float],
) -> None:
    overlap = iou_matrix(boxes, people).max(axis=1)
    into["patch"].append(patch(image, boxes))
    into["detector"].append(detector(image, boxes))
    into["hit"].append(np.where(overlap >= bounds[0], 1.0, np.where(overlap < bounds[1], 0.0, 0.5)))


def summary(columns: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    flat = {name: np.concatenate(parts) for name, parts in columns.items()}
    hit = flat.pop("hit")
    decided = hit != 0.5
    areas = {
        name: round(area_under_roc(scores[decided], hit[decided] > 0.5), 4)
        for name, scores in flat.items()
    }
    return {"boxes": int(decided.sum()), "people": int((hit == 1.0).sum()), **areas}


if __name__ == "__main__":
    main()
