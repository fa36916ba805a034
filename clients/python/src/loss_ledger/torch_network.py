"""What a model of PyTorch is as an architecture of the ledger's, and what trained it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import InvalidArgument

# What norms add to the variance there where a layer does not say: Keras's for batch norm, PyTorch's for the others.
EPSILON = {"batch_norm": 1e-3, "group_norm": 1e-5}


class NotOurs(InvalidArgument):
    """A module that no layer of the ledger's is: its name, and what would do."""


def architecture_of(model: Any) -> dict[str, Any]:
    """The `custom` architecture that an nn.Sequential (of Sequentials) is. Raises NotOurs with the module that is none."""
    from torch import nn

    if not isinstance(model, nn.Sequential):
        raise NotOurs(
            f"{type(model).__name__} is no nn.Sequential, of which alone the architecture can be read: "
            "give architecture=, as a spec has it, and map= where its layers do not come in its order"
        )
    layers: list[dict[str, Any]] = []
    for name, module in _flat(model):
        layers += _layers_of(name, module)
    # A global average has taken height and width already.
    kept = [one for i, one in enumerate(layers) if not (one["kind"] == "flatten" and i > 0 and layers[i - 1]["kind"] == "global_average_pool")]
    return {"name": "custom", "layers": kept}


def _flat(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    from torch import nn

    for name, module in model.named_children():
        path = f"{prefix}{name}"
        if isinstance(module, nn.Sequential):
            yield from _flat(module, f"{path}.")
        else:
            yield path, module


def _layers_of(name: str, module: Any) -> list[dict[str, Any]]:
    from torch import nn

    def refuse(why: str) -> NotOurs:
        return NotOurs(f"{name} ({module}): {why}")

    plain: dict[type, str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.SiLU: "silu"}
    if type(module) in plain:
        return [{"kind": plain[type(module)]}]
    if isinstance(module, nn.GELU):
        if module.approximate != "tanh":
            raise refuse("GELU is computed with tanh there: approximate='tanh'")
        return [{"kind": "gelu"}]
    if isinstance(module, nn.Identity):
        return []
    if isinstance(module, nn.Flatten):
        if module.start_dim != 1 or module.end_dim != -1:
            raise refuse("only flattening all but the first axis is there")
        return [{"kind": "flatten"}]
    if isinstance(module, nn.Dropout):
        return [{"kind": "dropout", "rate": module.p}]
    if isinstance(module, nn.Linear):
        if module.bias is None:
            raise refuse("dense layers have a bias")
        return [{"kind": "dense", "units": module.out_features}]
    if isinstance(module, nn.Conv2d):
        return [_conv(module, refuse)]
    if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        if not module.affine:
            raise refuse("batch norm has gamma and beta: affine=True")
        return [{"kind": "batch_norm", **_epsilon("batch_norm", module)}]
    if isinstance(module, nn.GroupNorm):
        if not module.affine:
            raise refuse("group norm has gamma and beta: affine=True")
        return [{"kind": "group_norm", "groups": module.num_groups, **_epsilon("group_norm", module)}]
    if isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
        size = _one(module.kernel_size)
        if size is None or _one(module.stride) != size or _one(module.padding) != 0 or module.ceil_mode:
            raise refuse("pools are square and as far apart as they are large, without padding")
        return [{"kind": "max_pool" if isinstance(module, nn.MaxPool2d) else "average_pool", "size": size}]
    if isinstance(module, nn.AdaptiveAvgPool2d) and _one(module.output_size) == 1:
        return [{"kind": "global_average_pool"}]
    raise refuse("is none of the layers that can be read: give architecture=, as a spec has it")


def _epsilon(kind: str, module: Any) -> dict[str, float]:
    return {} if module.eps == EPSILON[kind] else {"epsilon": module.eps}


def _conv(module: Any, refuse: Any) -> dict[str, Any]:
    size, stride, dilation = _one(module.kernel_size), _one(module.stride), _one(module.dilation)
    if size is None or stride is None or dilation != 1:
        raise refuse("convolutions are square, with one stride and without dilation")
    if module.padding == "valid" or _one(module.padding) == 0:
        padding = "valid"
    elif stride == 1 and (module.padding == "same" or (size % 2 == 1 and _one(module.padding) == size // 2)):
        padding = "same"
    else:
        raise refuse("padding must be 0, or with stride 1 what keeps the size: others are padded in another way there")
    more = {"size": size, "stride": stride, "padding": padding, "bias": module.bias is not None}
    if module.groups == 1:
        return {"kind": "conv2d", "filters": module.out_channels, **more}
    if module.groups == module.in_channels == module.out_channels:
        return {"kind": "depthwise_conv2d", **more}
    raise refuse("groups must be 1, or one for each channel")


def _one(value: Any) -> Any:
    """The one number of 3 or (3, 3); None where there are several."""
    if isinstance(value, tuple):
        return value[0] if len(set(value)) == 1 else None
    return value


def modules_with_weights(model: Any) -> list[tuple[str, Any]]:
    """Modules that own parameters, with their names, in the order in which they were added."""
    return [(name, module) for name, module in model.named_modules() if next(module.parameters(recurse=False), None) is not None]


def optimizer_of(optimizer: Any) -> dict[str, Any] | None:
    """What a spec calls it; None where it is none of its. Nothing is computed with it: it says in figures what trained."""
    own = optimizer.param_groups[0]
    name = type(optimizer).__name__
    rate = {"learningRate": float(own["lr"])}
    if name == "SGD":
        momentum = {"momentum": own["momentum"], "nesterov": own["nesterov"]} if own["momentum"] > 0 else {}
        return {"name": "sgd", **rate, **momentum}
    if name in ("Adam", "AdamW"):
        moments = {"beta1": float(own["betas"][0]), "beta2": float(own["betas"][1]), "epsilon": own["eps"]}
        decay = {"weightDecay": own["weight_decay"]} if name == "AdamW" else {}
        return {"name": name.lower(), **rate, **moments, **decay}
    if name == "RMSprop":
        return {"name": "rmsprop", **rate, "decay": own["alpha"], "momentum": own["momentum"], "epsilon": own["eps"]}
    return None


# What each optimizer keeps of a parameter, by PyTorch's names.
STATE = {
    "SGD": ["momentum_buffer"],
    "Adam": ["exp_avg", "exp_avg_sq"],
    "AdamW": ["exp_avg", "exp_avg_sq"],
    "RMSprop": ["square_avg", "momentum_buffer"],
}


def state_slots(optimizer: Any, parameters: list[Any]) -> list[str]:
    """The names of an optimizer's state of each of these parameters. Raises NotOurs where steps do not follow from it."""

    def refuse(why: str) -> NotOurs:
        return NotOurs(f"optimizer_state: {name}, {why}")

    name = type(optimizer).__name__
    if name not in STATE:
        raise refuse(f"is none that the ledger has; those are {', '.join(STATE)}")
    groups = optimizer.param_groups
    for group in groups:
        for option in ("maximize", "amsgrad", "centered"):
            if group.get(option):
                raise refuse(f"{option}=True: the ledger has none such")
        if group.get("dampening"):
            raise refuse("dampening must be 0")
        if "momentum" in group and not group["momentum"] > 0:
            raise refuse("without momentum it keeps no state that says what its gradients were")
        for option in ("lr", "momentum", "nesterov", "betas", "alpha", "eps", "decoupled_weight_decay"):
            if option in group and group[option] != groups[0][option]:
                raise refuse(f"{option} must be the same in every group of parameters")
    if name == "Adam" and groups[0].get("decoupled_weight_decay") and any(group["weight_decay"] for group in groups):
        raise refuse("decoupled_weight_decay: use AdamW")
    own = {id(parameter) for group in groups for parameter in group["params"]}
    if any(id(parameter) not in own for parameter in parameters):
        raise refuse("it must have all parameters of the network")
    if any(parameter.element_size() < 4 for parameter in parameters):
        raise refuse("parameters of half precision round more than they move: train float32 ones, under autocast if need be")
    return STATE[name]


def weight_decay_of(optimizer: Any, parameter: Any) -> float:
    """Of the group that the parameter is in."""
    return next(
        float(group["weight_decay"])
        for group in optimizer.param_groups
        if any(parameter is one for one in group["params"])
    )
