"""From settings and a data set to everything that a training loop works with."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch

from .checkpoint import Checkpoint
from .data.images import PackedImages, load_images
from .data.splits import hold_out, keep_identities
from .data.types import PersonDataset, Samples
from .models import ClassifierHeads, ReIDNet, build
from .recipe import Recipe
from .sampler import IdentitySampler
from .spec import InputSpec
from .training_step import Gradients, TrainingModel, make_optimiser
from .training_world import World
from .transforms import Normaliser


@dataclass(frozen=True, eq=False)
class Setup:
    """The parts of a training.

    Attributes
    ----------
    dataset : PersonDataset
        Training people, and those held out as its query and gallery (empty where none are).
    spec : InputSpec
    normaliser : Normaliser
    sampler : IdentitySampler
    model : TrainingModel
        In training mode, on its device.
    optimiser : torch.optim.SGD
    gradients : Gradients
    steps : int
        Steps of an epoch for each process.
    trained_on, terms : str
        Data sets and their terms, those of the initial weights included.
    """

    dataset: PersonDataset
    spec: InputSpec
    normaliser: Normaliser
    sampler: IdentitySampler
    model: TrainingModel
    optimiser: torch.optim.SGD
    gradients: Gradients
    steps: int
    trained_on: str
    terms: str


def prepare(recipe: Recipe, dataset: PersonDataset, init: Checkpoint | None, world: World) -> Setup:
    """Build the parts; ``recipe.train.seed`` decides the initial weights.

    Raises
    ------
    ValueError
        When settings and data do not go together.
    """
    dataset = cut(dataset, recipe)
    torch.manual_seed(recipe.train.seed)
    network = start_network(recipe, init)
    _check_small_images(network, recipe)
    spec = input_spec(network)
    normaliser = Normaliser(spec, world.device)
    images = load_images(dataset.train, spec, world.device)
    sampler = IdentitySampler(images.labels.cpu().numpy(), recipe.sampler)
    steps = sampler.batches_per_epoch // world.size
    if steps == 0:
        raise ValueError(
            f"an epoch has {sampler.batches_per_epoch} batches, too few for {world.size} processes"
        )
    model = _training_model(network, images, recipe).to(world.device).train()
    optimiser = make_optimiser(model, recipe.optimiser)
    gradients = Gradients(model, images, normaliser, recipe.runtime, world)
    return Setup(
        dataset,
        spec,
        normaliser,
        sampler,
        model,
        optimiser,
        gradients,
        steps,
        trained_on=_joined(init.trained_on if init else "", dataset.name),
        terms=_joined(init.terms if init else "", dataset.terms),
    )


def _joined(former: str, new: str) -> str:
    """What holds for the initial weights, and what the training adds."""
    return new if not former or former == new else f"{former}; {new}"


def cut(dataset: PersonDataset, recipe: Recipe) -> PersonDataset:
    """The part of a data set that a recipe learns from, and the people it holds out.

    The data set's own test part is dropped, so that nothing in a training can look at it.
    """
    config = recipe.data
    if config.val_identities:
        dataset = hold_out(dataset, config.val_identities, config.split_seed)
    else:
        nobody = Samples.empty()
        dataset = PersonDataset(dataset.name, dataset.terms, dataset.train, nobody, nobody)
    if config.train_identities is not None:
        dataset = keep_identities(dataset, config.train_identities, config.split_seed)
    return dataset


def start_network(recipe: Recipe, init: Checkpoint | None) -> ReIDNet:
    """A network with random weights, or with those of a checkpoint of the same architecture.

    The size of the images may differ: weights learnt on small ones are a start for larger ones.
    """
    network = build(recipe.model.name, **recipe.model.options)
    if init is not None:
        size = {"input_size": network.config.input_size}
        same = dict(init.config) | size == plain_config(network)
        if init.architecture != recipe.model.name or not same:
            raise ValueError(
                f"--init: the checkpoint is a {init.architecture} with other settings than the "
                f"recipe's {recipe.model.name}; take over its model section"
            )
        network.load_state_dict(init.build().state_dict())
    return network


def _check_small_images(network: ReIDNet, recipe: Recipe) -> None:
    """Raise ValueError where the network cannot take the images of the first epochs."""
    small = recipe.train.image_size(network.config.input_size, epoch=1)
    try:
        replace(network.config, input_size=small)
    except ValueError as error:
        raise ValueError(f"train.small_scale = {recipe.train.small_scale}: {error}") from None


def input_spec(network: ReIDNet) -> InputSpec:
    """Our networks take RGB, normalised as is usual for ImageNet, at the size of their config."""
    height, width = network.config.input_size
    return InputSpec(height, width)


def plain_config(network: ReIDNet) -> dict[str, object]:
    """The fields of a network's config."""
    return {field.name: getattr(network.config, field.name) for field in fields(network.config)}


def _training_model(network: ReIDNet, images: PackedImages, recipe: Recipe) -> TrainingModel:
    head = recipe.head
    heads = ClassifierHeads(
        network.branch_dims, images.num_classes, bias=head.bias, scale=head.scale
    )
    model = TrainingModel(network, heads, recipe.loss)
    if recipe.runtime.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model
