"""Trainings in PyTorch, recorded as they run and posted as trajectories: three lines in somebody's script.

    with record(model, optimizer, ledger=Ledger(), dataset={"name": "mine"}, probe=x[:32]) as recording:
        train(model, optimizer)                       # as it was
    experiment = recording.allocate().wait()
"""

from __future__ import annotations

import copy
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import safetensors
from .errors import InvalidArgument
from .torch_network import NotOurs, architecture_of, modules_with_weights, optimizer_of, state_slots, weight_decay_of

if TYPE_CHECKING:
    from .experiment import Experiment
    from .ledger import Ledger

# Bytes of weights that are written at a time: two such buffers are in memory.
PART_BYTES = 1 << 26
MOST_ROWS = 1000


def record(
    model: Any,
    optimizer: Any,
    *,
    ledger: Ledger,
    dataset: Mapping[str, Any],
    architecture: Mapping[str, Any] | None = None,
    map: Mapping[str, str] | None = None,
    every: int = 1,
    probe: Any = None,
    loss: Callable[[Any], float] | None = None,
    name: str | None = None,
    folder: str | Path | None = None,
    optimizer_state: bool = False,
) -> Recording:
    """Records the weights of a model before the first and after every `every`-th step of its optimizer.

    dataset: as a spec has it: what the weights shall be allocated on (`ledger.upload_dataset` makes one).
    architecture: as a spec has it; read off the model where that is an nn.Sequential.
    map: a layer of that architecture → the name of its module; by their order if absent.
    probe: a batch of inputs; what the layers make of it goes along, and a network that is not the same is refused.
    loss: what gives the loss over the train split (without dropout); asked before the first and after the last step.
    folder: where the weights lie until they are posted; a temporary one, which is removed, if absent.
    optimizer_state: what the optimizer keeps (momentum, Adam's averages) goes along at every step, and the diagnostic
        `components` tells what each is made of. SGD with momentum, Adam, AdamW, RMSprop with momentum; needs every=1.

    Raises NotOurs where the model is none that the ledger has, InvalidArgument and ApiError.
    """
    if not hasattr(ledger, "preview"):
        raise InvalidArgument(f"ledger must be a Ledger, such as Ledger('http://127.0.0.1:3000'), got {ledger!r}")
    if not isinstance(dataset, Mapping):
        raise InvalidArgument(f"dataset must be a dict as a spec has it, such as {{'name': 'mine'}}, got {dataset!r}")
    if not hasattr(optimizer, "param_groups"):
        raise InvalidArgument(f"optimizer must be one of torch.optim, got {optimizer!r}")
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InvalidArgument(f"every must be a whole number from 1, got {every!r}")
    if optimizer_state and every != 1:
        raise InvalidArgument(f"optimizer_state needs every=1, got every={every}: a step is made of the state before and after it")
    return Recording(
        model, optimizer, ledger, dict(dataset), architecture, map, every, probe, loss, name, folder, optimizer_state
    )


class Recording:
    """A training that is being recorded; `trajectory` is what the API says of it once it is posted."""

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        ledger: Ledger,
        dataset: dict[str, Any],
        architecture: Mapping[str, Any] | None,
        map: Mapping[str, str] | None,
        every: int,
        probe: Any,
        loss: Callable[[Any], float] | None,
        name: str | None,
        folder: str | Path | None,
        optimizer_state: bool,
    ) -> None:
        self._model, self._optimizer, self._ledger, self._loss = model, optimizer, ledger, loss
        own = dict(architecture) if architecture is not None else architecture_of(model)
        trained_by = optimizer_of(optimizer)
        spec = {"dataset": dataset, "architecture": own, "optimizer": {"name": "sgd"}, "training": {"iterations": 1}}
        variables = ledger.preview(spec)["variables"]
        layers = list(dict.fromkeys(one["layer"] for one in variables))
        self._modules = _paired(model, layers, dict(map or {}))
        self._about: dict[str, Any] = {
            **({"name": name} if name else {}),
            **({"optimizer": trained_by} if trained_by else {}),
            **{"dataset": dataset, "architecture": own, "layout": "torch", "every": every, "map": self._modules},
        }
        self._every = every
        self._probe = probe
        modules = dict(model.named_modules())
        self._parameters = {
            f"{module}.{weight}": parameter
            for module in self._modules.values()
            for weight, parameter in modules[module].named_parameters(recurse=False)
        }
        self._slots = state_slots(optimizer, list(self._parameters.values())) if optimizer_state else []
        if optimizer_state:
            self._about["optimizerState"] = self._described_state(variables)
        row = (1 + len(self._slots)) * sum(parameter.numel() * 4 for parameter in self._parameters.values())
        self._rows_of_part = max(1, min(MOST_ROWS, PART_BYTES // row))
        self._parts: list[Path] = []
        self._losses: list[dict[str, Any]] = []
        self._steps = 0
        self._rows = 0
        self._hook: Any = None
        self.trajectory: dict[str, Any] | None = None
        # Last, so that none is left where one of those is wrong.
        self._owns = folder is None
        self._folder = Path(tempfile.mkdtemp(prefix="loss-ledger-") if folder is None else folder)
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def id(self) -> str:
        """The id of the trajectory. Raises RuntimeError before it is posted."""
        if self.trajectory is None:
            raise RuntimeError("the trajectory is posted at the end of the with block")
        return str(self.trajectory["id"])

    # ------------------------------------------------------------------------------------------- recording

    def __enter__(self) -> Recording:
        self._full: queue.Queue[Any] = queue.Queue()
        self._free: queue.Queue[Any] = queue.Queue()
        self._failed: BaseException | None = None
        for _ in range(2):
            self._free.put(self._buffers())
        self._writer = threading.Thread(target=self._write, name="loss-ledger", daemon=True)
        self._writer.start()
        self._current = self._free.get()
        self._filled = 0
        if self._probe is not None:
            with open(self._folder / "probe.safetensors", "wb") as file:
                safetensors.write(file, _outputs(self._model, self._modules, self._probe))
        self._measure()
        self._keep()
        self._hook = self._optimizer.register_step_post_hook(self._stepped)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if self._hook is not None:
            self._hook.remove()
        try:
            if kind is None and self._rows > 1:
                self._measure()
            if kind is None and self._filled > 0:
                self._full.put((self._current, self._filled))
            self._full.put(None)
            self._writer.join()
            if kind is None:
                self._raise()
                if self._rows < 2:
                    raise RuntimeError("the optimizer made no step that could be recorded")
                self._post()
        finally:
            if self._owns:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _buffers(self) -> dict[str, Any]:
        import torch

        rows = self._rows_of_part
        found = {
            f"{name}{suffix}": torch.empty((rows, *parameter.shape), dtype=torch.float32)
            for suffix in ["", *(f".{slot}" for slot in self._slots)]
            for name, parameter in self._parameters.items()
        }
        return {**found, **({"learning_rate": torch.empty(rows, dtype=torch.float64)} if self._slots else {})}

    def _described_state(self, variables: list[dict[str, Any]]) -> dict[str, Any]:
        """Updates so far, and each variable's weight decay. Raises NotOurs where parameters have had different numbers."""
        steps = {int(self._optimizer.state.get(one, {}).get("step", 0)) for one in self._parameters.values()}
        if len(steps) > 1:
            raise NotOurs(f"optimizer_state: parameters must have had as many updates, and had {sorted(steps)}")
        roles = {"kernel": "weight", "gamma": "weight"}
        decays = {}
        for one in variables:
            role = one["name"][len(one["layer"]) + 1 :]
            weight = "bias" if role in ("bias", "beta") else roles.get(role, role)
            parameter = self._parameters.get(f"{self._modules[one['layer']]}.{weight}")
            if parameter is not None:
                decays[one["name"]] = weight_decay_of(self._optimizer, parameter)
        return {"updates": steps.pop() if steps else 0, "weightDecay": decays}

    def _stepped(self, *_: object) -> None:
        self._steps += 1
        if self._steps % self._every == 0:
            self._keep()

    def _keep(self) -> None:
        """Copies the weights. Waits only where the disk is slower than the training."""
        import torch

        self._raise()
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                self._current[name][self._filled].copy_(parameter)
            if self._slots:
                self._keep_state()
        self._filled += 1
        self._rows += 1
        if self._filled == self._rows_of_part:
            self._full.put((self._current, self._filled))
            self._current = self._free.get()
            self._filled = 0

    def _keep_state(self) -> None:
        """The state as it is; zeros before the first step. The rate is that of the step that was just made."""
        for slot in self._slots:
            for name, parameter in self._parameters.items():
                kept = self._optimizer.state.get(parameter, {}).get(slot)
                row = self._current[f"{name}.{slot}"][self._filled]
                if kept is None:
                    row.zero_()
                else:
                    row.copy_(kept)
        rates = {float(group["lr"]) for group in self._optimizer.param_groups}
        if len(rates) > 1:
            raise RuntimeError(f"optimizer_state: every group of parameters must have the same learning rate, got {sorted(rates)}")
        self._current["learning_rate"][self._filled] = rates.pop()

    def _write(self) -> None:
        while (item := self._full.get()) is not None:
            buffers, rows = item
            try:
                path = self._folder / f"{len(self._parts)}.safetensors"
                if self._failed is None:
                    with open(path, "wb") as file:
                        safetensors.write(file, {name: buffer[:rows].numpy() for name, buffer in buffers.items()})
                    self._parts.append(path)
            except BaseException as error:  # Told to the training by its next step.
                self._failed = error
            self._free.put(buffers)

    def _raise(self) -> None:
        if self._failed is not None:
            raise RuntimeError(f"the weights could not be written to {self._folder}") from self._failed

    def _measure(self) -> None:
        if self._loss is not None:
            # Of the weights that are recorded next, or were last.
            row = 0 if self._rows == 0 else self._rows - 1
            if row == 0 or self._steps % self._every == 0:
                self._losses.append({"row": row, "loss": float(self._loss(self._model))})

    # --------------------------------------------------------------------------------------------- posting

    def _post(self) -> None:
        probe = self._folder / "probe.safetensors" if self._probe is not None else None
        about = {**self._about, **({"losses": self._losses} if self._losses else {})}
        self.trajectory = self._ledger.upload_trajectory(about, self._parts, probe=probe)

    def allocate(self, **spec: Any) -> Experiment:
        """Posts the experiment that allocates it; `spec` has whatever else it shall be (allocation, name, tags …)."""
        training = {**spec.pop("training", {}), "trajectory": self.id}
        return self._ledger.submit({"dataset": self._about["dataset"], **spec, "training": training})


def _paired(model: Any, layers: list[str], map: dict[str, str]) -> dict[str, str]:
    """The module of each layer: of the map, and of the rest in their orders. Raises InvalidArgument where the two do not fit."""
    modules = dict(model.named_modules())
    for layer, module in map.items():
        if layer not in layers:
            raise InvalidArgument(f"map: {layer} is no layer of this network; layers: {', '.join(layers)}")
        if module not in modules:
            raise InvalidArgument(f"map: {module} is no module of this model")
    taken = set(map.values())
    rest = [name for name, _ in modules_with_weights(model) if name not in taken]
    left = [layer for layer in layers if layer not in map]
    if len(rest) != len(left):
        raise InvalidArgument(
            f"the network has {len(left)} layers with weights ({', '.join(left)}), "
            f"and the model {len(rest)} modules ({', '.join(rest)}): give map=, a layer → the name of its module"
        )
    return {**map, **dict(zip(left, rest))}


def _outputs(model: Any, modules: Mapping[str, str], batch: Any) -> dict[str, np.ndarray[Any, Any]]:
    """What each layer makes of a batch: as in training, but without dropout, and without touching the model."""
    import torch

    twin = copy.deepcopy(model).train()
    found: dict[str, np.ndarray[Any, Any]] = {"input": batch.detach().cpu().float().numpy()}
    by_name = dict(twin.named_modules())
    for module in by_name.values():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.eval()

    def keep(layer: str) -> Callable[..., None]:
        def hook(_module: Any, _input: Any, output: Any) -> None:
            found[layer] = output.detach().cpu().float().numpy().copy()

        return hook

    for layer, name in modules.items():
        by_name[name].register_forward_hook(keep(layer))
    with torch.no_grad():
        twin(batch)
    return found
