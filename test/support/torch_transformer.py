"""The gradients of transformer-gradients.test.ts, by PyTorch's own modules in float64. Writes torch_transformer.json.

    python3 -m venv V && V/bin/pip install torch numpy && V/bin/python test/support/torch_transformer.py
"""
import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)


def weights(count):
    """Every parameter a formula of its place, so that nothing has to be stored."""
    i = torch.arange(count, dtype=torch.float64)
    return 0.4 * torch.sin(1.7 * i + 0.3) + 0.1 * torch.cos(0.37 * i)


class Taken:
    def __init__(self):
        self.offset, self.parts = 0, []

    def __call__(self, *shape):
        size = math.prod(shape)
        self.parts.append((self.offset, shape))
        self.offset += size
        return self.offset - size, size, shape


def build(case):
    """(loss, parameters): modules of torch.nn filled from the flat vector in the order of our variables."""
    width, heads, vocabulary, classes, length = (case[k] for k in ("width", "heads", "vocabulary", "classes", "length"))
    hidden, size = case["hidden"], width // heads
    take = Taken()
    spans = []

    def variable(*shape):
        spans.append(take(*shape))
        return len(spans) - 1

    embedding, positions = variable(vocabulary, width), variable(length, width)
    blocks = []
    for _ in range(case["depth"]):
        block = {}
        norm = lambda: (variable(width), variable(width))
        attention = lambda: [variable(*s) for _ in range(3) for s in ((width, heads, size), (heads, size))] + [
            variable(heads, size, width), variable(width)]
        mlp = lambda: [variable(width, hidden), variable(hidden), variable(hidden, width), variable(width)]
        if case["norm"] == "pre":
            block["ln1"], block["attention"], block["ln2"], block["mlp"] = norm(), attention(), norm(), mlp()
        else:
            block["attention"], block["ln1"], block["mlp"], block["ln2"] = attention(), norm(), mlp(), norm()
        blocks.append(block)
    last = (variable(width), variable(width)) if case["norm"] == "pre" else None
    logits = None if case["tied"] else (variable(width, classes), variable(classes))

    theta = weights(take.offset).requires_grad_()
    at = lambda v: theta[spans[v][0] : spans[v][0] + spans[v][1]].reshape(spans[v][2])

    def layer_norm(x, pair):
        return torch.nn.functional.layer_norm(x, (width,), at(pair[0]), at(pair[1]), 1e-5)

    def attend(x, a):
        flat = lambda v: at(v).reshape(width, width).T
        in_weight = torch.cat([flat(a[0]), flat(a[2]), flat(a[4])])
        in_bias = torch.cat([at(a[1]).reshape(-1), at(a[3]).reshape(-1), at(a[5]).reshape(-1)])
        mask = torch.triu(torch.ones(length, length, dtype=torch.bool), 1) if case["causal"] else None
        y = x.transpose(0, 1)
        out, _ = torch.nn.functional.multi_head_attention_forward(
            y, y, y, width, heads, in_weight, in_bias, None, None, False, 0.0,
            at(a[6]).reshape(width, width).T, at(a[7]), attn_mask=mask, need_weights=False)
        return out.transpose(0, 1)

    activation = {
        "gelu": lambda v: torch.nn.functional.gelu(v, approximate="tanh"),
        "silu": torch.nn.functional.silu,
    }[case["activation"]]

    def dense(x, m):
        return activation(x @ at(m[0]) + at(m[1])) @ at(m[2]) + at(m[3])

    tokens = torch.tensor(case["tokens"])
    x = torch.nn.functional.embedding(tokens, at(embedding)) + at(positions)
    for block in blocks:
        if case["norm"] == "pre":
            x = x + attend(layer_norm(x, block["ln1"]), block["attention"])
            x = x + dense(layer_norm(x, block["ln2"]), block["mlp"])
        else:
            x = layer_norm(x + attend(x, block["attention"]), block["ln1"])
            x = layer_norm(x + dense(x, block["mlp"]), block["ln2"])
    x = x[:, -case["targets"] :]
    if last:
        x = layer_norm(x, last)
    z = x @ at(embedding).T if case["tied"] else x @ at(logits[0]) + at(logits[1])
    labels = torch.tensor(case["labels"]).reshape(-1)
    loss = torch.nn.functional.cross_entropy(z.reshape(-1, classes), labels, label_smoothing=case["smoothing"])
    loss.backward()
    accuracy = (z.reshape(-1, classes).argmax(1) == labels).double().mean()
    return loss.item(), theta.grad, accuracy.item()


def draw(count, below, seed):
    """Tokens and labels by a formula too, of the places of a batch."""
    return [(seed + 7 * i + (i * i) % 11) % below for i in range(count)]


def example(case, examples=5):
    case = {"smoothing": 0.0, **case}
    tokens = draw(examples * case["length"], case["vocabulary"], 3)
    case["tokens"] = [tokens[n * case["length"] : (n + 1) * case["length"]] for n in range(examples)]
    case["labels"] = draw(examples * case["targets"], case["classes"], 5)
    loss, gradient, accuracy = build(case)
    return {**case, "loss": loss, "accuracy": accuracy, "gradient": [float(f"{g:.9g}") for g in gradient]}


cases = [
    dict(depth=2, width=8, heads=2, hidden=16, vocabulary=7, classes=6, length=5, targets=1, norm="pre",
         causal=True, activation="gelu", tied=False),
    dict(depth=1, width=6, heads=3, hidden=12, vocabulary=5, classes=5, length=4, targets=3, norm="post",
         causal=False, activation="silu", tied=True, smoothing=0.1),
]
path = pathlib.Path(__file__).with_name("torch_transformer.json")
path.write_text(json.dumps([example(case) for case in cases]) + "\n")
print(path, [len(c["gradient"]) for c in json.loads(path.read_text())], torch.__version__)
