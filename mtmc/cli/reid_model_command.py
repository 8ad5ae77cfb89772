"""``mtmc reid eval``, ``calibrate`` and ``info``: what a trained network is worth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mtmc.atomic import atomic_writer
from mtmc.errors import InputError

from . import reid_arguments as shared
from .console import output

if TYPE_CHECKING:
    from mtmc.reid.data import PersonDataset
    from mtmc.reid.distances import DistanceStatistics
    from mtmc.reid.evaluation import Labelled, Scores

    from .reid_models import OpenModel

EVAL_EPILOG = """examples:
  mtmc reid eval --weights runs/r1x/best.pt --dataset market1501 --data-root DIR
  mtmc reid eval --weights rendered_people.pt --dataset market1501 --data-root DIR --picture p.png
  mtmc reid eval --weights rendered_people.pt --dataset cuhk01_all --data-root DIR --json s.json

Protocol of Market-1501: single query, images of the query's person in the query's camera left out,
no re-ranking. A data set that the network was not trained on is marked cross-domain.
"""

CALIBRATE_EPILOG = """example:
  mtmc reid calibrate --weights osnet.onnx --dataset market1501 --data-root DIR
      writes osnet.onnx.json; trackers can then take a false-match rate for a threshold

Use people that the network was not trained on: on its training people distances are far better
than they will ever be in use. The default, the data set's test part, sees to that.
"""

FALSE_MATCH_RATES = (1e-2, 1e-3, 1e-4, 1e-5)
PICTURE_QUERIES, PICTURE_LENGTH = 10, 10


def add_parser(commands: Any) -> None:
    """Add the three commands."""
    _add_eval(commands)
    _add_calibrate(commands)
    _add_info(commands)


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        required=True,
        metavar="FILE",
        help="checkpoint (.pt) or exported file (.onnx, .xml): by path, or by the name of shipped "
        "weights or of a file in DATA_ROOT/models",
    )
    parser.add_argument(
        "--reid-input",
        metavar="JSON",
        help="input of an ONNX file that neither itself nor a sidecar describes, e.g. "
        '\'{"height": 256, "width": 128, "channel_order": "rgb"}\'',
    )


def _add_eval(commands: Any) -> None:
    parser = commands.add_parser(
        "eval",
        help="rank-1 and mAP on a data set",
        description="Evaluate a network: rank-1/5/10 and mean average precision.",
        epilog=EVAL_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_weights(parser)
    shared.add_dataset(parser, required=True)
    shared.add_hardware(parser)
    options = parser.add_argument_group("other than the usual protocol; the result is named so")
    options.add_argument(
        "--flip", action="store_true", help="average vectors of image and mirror image"
    )
    options.add_argument("--rerank", action="store_true", help="k-reciprocal re-ranking")
    options.add_argument(
        "--trapezoid", action="store_true", help="average precision as in the MATLAB code"
    )
    parser.add_argument("--picture", metavar="PNG", help="draw ranked lists of some queries")
    parser.add_argument("--json", metavar="FILE", help="write the scores")
    parser.add_argument("--store", action="store_true", help="note the scores in the checkpoint")
    parser.set_defaults(handler=evaluate)


def _add_calibrate(commands: Any) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="measure distances of same and different people, for thresholds",
        description="Measure how far apart images of the same and of different people are, and "
        "write it into the checkpoint, or into the ONNX file's sidecar.",
        epilog=CALIBRATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_weights(parser)
    shared.add_dataset(parser, required=True)
    shared.add_hardware(parser)
    parser.add_argument(
        "--part",
        choices=("gallery", "train"),
        default="gallery",
        help="whose people: the test part's (default) or the training part's",
    )
    parser.add_argument(
        "--pairs",
        choices=("cross_camera", "all"),
        default="cross_camera",
        help="only pairs of two cameras (default), or all: for trackers of a single camera",
    )
    parser.set_defaults(handler=calibrate)


def _add_info(commands: Any) -> None:
    parser = commands.add_parser(
        "info",
        help="what a network is: size, input, training, results",
        description="Describe a checkpoint, an ONNX file, or an architecture by its name. Without "
        "arguments, list the weights that are shipped.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--weights",
        metavar="FILE",
        help="checkpoint (.pt) or exported file (.onnx, .xml), by path or name",
    )
    which.add_argument("--model", metavar="NAME", help="e.g. robust_reid_2x")
    parser.add_argument("--json", metavar="FILE", help="write it as JSON")
    parser.set_defaults(handler=info)


def evaluate(arguments: argparse.Namespace) -> int:
    """Embed queries and gallery, score, and print."""
    from .reid_models import open_model

    device = shared.set_up_torch(arguments)
    model = open_model(
        arguments.weights,
        device,
        arguments.threads,
        arguments.reid_input,
        to_change=arguments.store,
    )
    if arguments.store and model.checkpoint is None:
        raise InputError("--store: expected a checkpoint (.pt); an ONNX file has no place for it")
    dataset = shared.open_dataset(arguments)
    if not len(dataset.query) or not len(dataset.gallery):
        raise InputError(f"{dataset.name}: has no queries or no gallery to evaluate on")
    with shared.counting("embed") as report:
        query = model.embed(dataset.query, flip=arguments.flip, report=report)
        gallery = model.embed(dataset.gallery, flip=arguments.flip, report=report)
    name = _protocol(arguments, model, dataset)
    scores = _scores(arguments, query, gallery)
    output().print(
        f"{name}: rank-1 {scores.rank1:.2f}, rank-5 {scores.rank5:.2f}, rank-10 "
        f"{scores.rank10:.2f}, mAP {scores.mean_ap:.2f} ({scores.queries} queries, "
        f"{scores.gallery} gallery images)"
    )
    document = {"protocol": name, "weights": Path(arguments.weights).name, **scores.to_dict()}
    if arguments.json:
        _write_json(arguments.json, document)
    if arguments.store:
        model.store_metrics({name: scores.to_dict()})
    if arguments.picture:
        _draw(Path(arguments.picture), dataset, query, gallery)
    return 0


def _protocol(arguments: argparse.Namespace, model: OpenModel, dataset: PersonDataset) -> str:
    """Name of the evaluation: data set, and everything that is not usual."""
    parts = [dataset.name]
    trained_on = model.trained_on.lower().replace("-", "")
    if trained_on and dataset.name.removesuffix("_all") not in trained_on:
        parts.append("cross-domain")
    for flag, name in (("flip", "flip-averaged"), ("rerank", "re-ranked")):
        if getattr(arguments, flag):
            parts.append(name)
    if arguments.trapezoid:
        parts.append("trapezoidal AP")
    return ", ".join(parts)


def _scores(arguments: argparse.Namespace, query: Labelled, gallery: Labelled) -> Scores:
    from mtmc.reid import evaluation
    from mtmc.reid.reranking import RerankConfig, rerank

    kind: evaluation.AveragePrecision = "trapezoid" if arguments.trapezoid else "hits"
    if arguments.rerank:
        distances = rerank(query.embeddings, gallery.embeddings, RerankConfig())
        return evaluation.evaluate_distances(distances, query, gallery, average_precision=kind)
    return evaluation.evaluate(query, gallery, average_precision=kind)


def _draw(path: Path, dataset: PersonDataset, query: Labelled, gallery: Labelled) -> None:
    import numpy as np

    from mtmc.reid.evaluation import cosine_distances
    from mtmc.reid.ranked_lists import ranked_lists, write_ranked_lists

    count = min(PICTURE_QUERIES, len(query))
    rows = np.linspace(0, len(query) - 1, count).astype(int).tolist()
    distances = cosine_distances(query.embeddings[rows], gallery.embeddings)
    image = ranked_lists(distances, dataset.query, dataset.gallery, rows, PICTURE_LENGTH)
    write_ranked_lists(image, path)
    output().print(f"{path}: shows images of the data set; its terms apply to it ({dataset.terms})")


def calibrate(arguments: argparse.Namespace) -> int:
    """Measure distances, keep them with the model, and print thresholds."""
    from mtmc.reid.distances import measure_distances

    from .reid_models import open_model

    device = shared.set_up_torch(arguments)
    model = open_model(
        arguments.weights, device, arguments.threads, arguments.reid_input, to_change=True
    )
    dataset = shared.open_dataset(arguments)
    samples = getattr(dataset, arguments.part)
    with shared.counting("embed") as report:
        found = model.embed(samples, report=report)
    statistics = measure_distances(
        found.embeddings,
        found.identities,
        found.cameras,
        f"{dataset.name} {arguments.part}",
        pairs=arguments.pairs,
    )
    written = model.store_distances(statistics)
    output().print(_thresholds(statistics))
    output().print(f"written to {written}")
    return 0


def _thresholds(statistics: DistanceStatistics) -> Table:
    table = Table(title=f"cosine distances, {statistics.measured_on}, {statistics.pairs} pairs")
    for column in ("false-match rate", "threshold", "same person missed"):
        table.add_column(column, justify="right")
    for rate in FALSE_MATCH_RATES:
        threshold = statistics.threshold(rate)
        table.add_row(f"{rate:g}", f"{threshold:.4f}", f"{statistics.miss_rate(threshold):.1%}")
    return table


def info(arguments: argparse.Namespace) -> int:
    """Print what is known of a network, or which ones are shipped."""
    if arguments.model is None and arguments.weights is None:
        document = _describe_shipped()
    elif arguments.model is not None:
        document = _describe_architecture(arguments.model)
    else:
        import torch

        from .reid_models import open_model

        model = open_model(arguments.weights, torch.device("cpu"), None, None)
        document = model.describe()
    table = Table(show_header=False)
    for key, value in document.items():
        if value not in ("", {}, None):
            text = value if isinstance(value, str) else json.dumps(value)
            table.add_row(key, text)
    output().print(table)
    if arguments.json:
        _write_json(arguments.json, document)
    return 0


def _describe_shipped() -> dict[str, Any]:
    """File name -> what it is and on which terms, of the weights inside the package."""
    from mtmc.reid.checkpoint import load_checkpoint
    from mtmc.reid.shipped import shipped_weights

    found = {}
    for name, path in shipped_weights().items():
        checkpoint = load_checkpoint(path, announce=False)
        found[name] = f"{checkpoint.architecture}, trained on {checkpoint.trained_on}: " + (
            checkpoint.terms
        )
    return found


def _describe_architecture(name: str) -> dict[str, Any]:
    from mtmc.reid.complexity import complexity
    from mtmc.reid.models import MODELS, build
    from mtmc.reid.training_setup import input_spec, plain_config

    network = build(name)
    size = complexity(network)
    return {
        "architecture": name,
        "description": MODELS[name].description,
        "params_m": round(size.params_m, 4),
        "flops_g": round(size.flops_g, 4),
        "embedding_dim": network.embedding_dim,
        "input": input_spec(network).to_dict(),
        "config": plain_config(network),
        "trained_on": "",
        "terms": "",
        "metrics": {},
    }


def _write_json(path: str, document: dict[str, Any]) -> None:
    with atomic_writer(path) as file:
        json.dump(document, file, indent=2)
        file.write("\n")
