"""What users get wrong, and what is wrong with where they send it: one class of errors, one sentence that says what and where."""

import math
import uuid
from pathlib import Path

import numpy as np
import pytest
from stand_in import stand_in

from loss_ledger import ApiError, Experiment, InvalidArgument, Ledger, LedgerError, NotFound, Unreachable, record
from loss_ledger.__main__ import main
from loss_ledger.arguments import to_json

ID = "0195d3a0-7c3e-7000-8000-6d1f0a2b3c4d"


def test_what_numpy_has_of_numbers_is_taken_for_what_it_is():
    given = {"a": np.int64(3), "b": np.float64(0.1), "c": np.bool_(True), "d": np.arange(2), "e": (1, None), "f": range(2), "g": Path("x"), "h": "ü"}
    assert to_json(given).decode() == '{"a":3,"b":0.1,"c":true,"d":[0,1],"e":[1,null],"f":[0,1],"g":"x","h":"ü"}'


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"optimizer": {"learningRate": math.nan}}, r"^\$\.optimizer\.learningRate is nan: it must be a number"),
        ({"architecture": {"hidden": np.array([1.0, np.inf])}}, r"^\$\.architecture\.hidden\[1\] is inf"),
        ({"architecture": {"hidden": {8}}}, r"^\$\.architecture\.hidden is a set, which has no order"),
        ({"layers": {"fc_*": {"freeze": object()}}}, r"^\$\.layers\['fc_\*'\]\.freeze is of builtins\.object"),
        ({"tags": {3: "x"}}, r"^\$\.tags has the key 3"),
        ({"name": b"x"}, r"^\$\.name is of builtins\.bytes"),
        ({"name": "\ud800"}, r"^\$\.name has half of a character"),
        (None, "^a spec is a dict"),
        ("spec.json", "^a spec is a dict, .*'spec.json'"),
    ],
)
def test_what_json_has_not_is_said_with_its_path(value, words):
    # Nobody is there: nothing is sent.
    with pytest.raises(InvalidArgument, match=words):
        Ledger("http://127.0.0.1:9").submit(value)


def test_what_contains_itself_ends():
    spec: dict = {}
    spec["again"] = spec
    with pytest.raises(InvalidArgument, match="contains itself"):
        Ledger("http://127.0.0.1:9").submit(spec)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Ledger("127.0.0.1:3000"), "is not a URL of an API: http://host:port"),
        (lambda: Ledger(3000), "^3000 is not a URL"),
        (lambda: Ledger("http://127.0.0.1:99999"), "is not a URL of an API"),
        (lambda: Ledger(key="abcé"), "^key must be a string of printable ASCII"),
        (lambda: Ledger(key=3), "^key must be"),
        (lambda: Ledger(timeout="3"), "^timeout must be a number of seconds"),
        (lambda: Ledger().submit({}, idempotency_key="a\nb"), "^idempotency-key must be"),
        (lambda: Ledger().experiment("zzz"), r"'zzz' is no id of an experiment: wanted is its id, the beginning of it \(4 hexadecimal"),
        (lambda: Ledger().experiment(None), "^None is no id"),
        (lambda: Ledger().sweep("01a"), "^'01a' is no id of a sweep"),
        (lambda: Ledger().compare(ID), "^experiments must be a list"),
        (lambda: Ledger().iterations([3]), "^3 is no id"),
        (lambda: Ledger().compare(["01a2", ID]), "^'01a2' is the beginning of an id"),
        (lambda: list(Ledger().experiments(tags=["a:b"])), "^tags must be a dict"),
        (lambda: Ledger().upload_dataset("x"), "^give images and labels"),
        (lambda: Ledger().upload_dataset("x", images=[[1]], labels=[0]), r"^images must be an array of numpy's, .* got list: np\.asarray"),
        (lambda: Ledger().upload_dataset("x", images=np.array([{}]), labels=np.array([0])), "^images is an array of objects"),
        (lambda: Ledger().upload_trajectory({}, "x.npz"), "^parts must be a list"),
        (lambda: record("model", None, ledger=Ledger(), dataset={"name": "mine"}), r"^optimizer must be one of torch\.optim"),
        (lambda: record("model", None, ledger=Ledger(), dataset="mine"), "^dataset must be a dict as a spec has it"),
        (lambda: record("model", None, ledger=None, dataset={"name": "mine"}), "^ledger must be a Ledger"),
        (lambda: Ledger().delete_dataset(3), "^a name is wanted, got 3"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_sent(ask, words, monkeypatch):
    monkeypatch.setenv("LEDGER_URL", "http://127.0.0.1:9")
    with pytest.raises(InvalidArgument, match=words) as caught:
        ask()
    assert isinstance(caught.value, (LedgerError, ValueError))


def test_wrong_arguments_of_an_experiment(experiment, tmp_path):
    for ask, words in (
        (lambda: experiment.tensor(3), "the name of a tensor is a string"),
        (lambda: experiment.columns(3), "the name of a table"),
        (lambda: experiment.archive(3), "a path or a name is wanted, got 3"),
        (lambda: experiment.download("manifest.json", 3), "a path or a name is wanted, got 3"),
        (lambda: experiment.wait(timeout="x"), "timeout must be a number of seconds"),
        (lambda: experiment.export("tensorboard", tmp_path, bucket=0), "bucket must be a number of iterations from 1"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            ask()
    # A folder will do.
    assert experiment.archive(tmp_path).name == f"{experiment.id}.zip"
    assert len(experiment.allocations("train", layer=np.array(["fc_1"]), start=np.int64(2), stop=4)) == 2


def test_an_id_may_be_begun(ledger, experiment):
    whole = experiment.id
    for given in (whole[:35], whole.upper(), experiment, uuid.UUID(whole)):
        assert ledger.experiment(given).id == whole
    assert ledger.experiment("last").id == next(ledger.experiments()).id
    with pytest.raises(NotFound, match="there is no experiment whose id begins with ffff"):
        ledger.experiment("ffff")
    newest = [one.id for _, one in zip(range(2), ledger.experiments())]
    common = next(i for i, (a, b) in enumerate(zip(*newest)) if a != b)
    with pytest.raises(InvalidArgument, match="more than one experiment has an id that begins with") as caught:
        ledger.experiment(newest[0][:common])
    assert all(one in str(caught.value) for one in newest)


@pytest.fixture(scope="module")
def elsewhere():
    """A server that is no API; its paths say what it does."""

    answers = {
        "html": (200, "text/html", b"<html>"),
        "gone": (404, "text/html", b"<html>"),
        "proxy": (502, "text/html", b"<html>"),
        "other": (200, "application/json", b'{"hello": 1}'),
        "list": (200, "application/json", b"[1, 2]"),
        "cut": (200, "application/json", b'{"items": ['),
        "key": (401, "application/problem+json", b'{"title": "A key is needed"}'),
    }

    def answer(path):
        name = path.split("/")[1]
        status, kind, body = answers[name]
        # Of what is cut short more was to come.
        return status, {"content-type": kind, **({"content-length": "1000"} if name == "cut" else {})}, body

    with stand_in(answer) as server:
        yield server.url


@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        ("html", Unreachable, "answers with what is no JSON, so it is no API of Loss Ledger"),
        ("gone", ApiError, "404 Not Found, and not in the words of the API: is http://127.0.0.1:[0-9]+ its address"),
        ("proxy", ApiError, "502 Bad Gateway, and not in the words of the API"),
        ("other", Unreachable, "answers with JSON that has no (items|id)"),
        ("list", Unreachable, "answers with JSON that has no (items|id)"),
        ("cut", Unreachable, "the answer broke off"),
        ("key", ApiError, "401 A key is needed; give it as key=…, or as LEDGER_API_KEY"),
    ],
)
def test_what_else_may_answer_at_an_address(elsewhere, place, kind, words):
    with Ledger(f"{elsewhere}/{place}") as ledger:
        for ask in (ledger.datasets, lambda: ledger.experiment(ID), lambda: list(ledger.experiments()), lambda: ledger.submit({})):
            with pytest.raises(kind, match=words):
                ask()


def test_what_is_no_table_no_stream_and_no_archive(elsewhere, tmp_path):
    pytest.importorskip("pyarrow", reason="no pyarrow")
    with Ledger(f"{elsewhere}/html") as ledger:
        stranger = Experiment(ledger._http, {"id": ID, "status": "queued"})
        for ask, words in (
            (stranger.layers, "text/html where application/vnd.apache.arrow.stream is wanted"),
            (lambda: list(stranger.events()), "text/html where text/event-stream is wanted"),
            (lambda: stranger.archive(tmp_path), "text/html where application/zip is wanted"),
            (lambda: stranger.manifest, "no JSON"),
        ):
            with pytest.raises(Unreachable, match=words):
                ask()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_answer(elsewhere):
    for url, words in (
        ("http://127.0.0.1:9", r"nothing listens there \("),
        (elsewhere.replace("http:", "https:"), "it does not speak TLS: http:// instead of https://"),
        ("http://no.such.host.invalid", "there is no such host"),
    ):
        with pytest.raises(Unreachable, match=words):
            Ledger(url).datasets()


def test_exit_codes_of_the_command(elsewhere, experiment, url, tmp_path, capsys):
    (tmp_path / "file").touch()
    for address, id, folder, code, words in (
        (url, "zzz", "runs", 2, "is no id of an experiment"),
        (url, "ffff", "runs", 4, "begins with ffff"),
        (url, ID, "runs", 4, "404 there is no experiment"),
        (f"{elsewhere}/gone", ID, "runs", 6, "is http"),
        (f"{elsewhere}/key", ID, "runs", 5, "LEDGER_API_KEY"),
        ("http://127.0.0.1:9", ID, "runs", 6, "nothing listens there"),
    ):
        assert main(["--url", address, "export", id, "--to", "tensorboard", str(tmp_path / folder)]) == code
        assert words in capsys.readouterr().err
    pytest.importorskip("tensorboard", reason="no tensorboard")
    for folder, words in (("file", "is in the way: choose another place, or move it (EEXIST)"), ("file/sub", "is no folder, or lies in something that is none")):
        assert main(["--url", url, "export", experiment.id, "--to", "tensorboard", str(tmp_path / folder)]) == 2
        assert words in capsys.readouterr().err
