"""The key goes to the API and to no other host, whatever that says."""

import pytest
from stand_in import stand_in

from loss_ledger import ApiError, Ledger, Unreachable


@pytest.fixture
def hosts():
    """Two servers: both answer with what they are told to, and note the keys that they see."""
    answers = {}

    def answer(path):
        return answers.get(path, (200, {}, b'{"items": []}'))

    with stand_in(answer) as api, stand_in(answer) as other:
        yield api, other, answers


def test_redirects_leave_the_key_behind(hosts):
    api, other, answer = hosts
    answer["/v1/datasets"] = (307, {"location": f"{other.url}/elsewhere"}, b"")
    with Ledger(api.url, "secret") as ledger:
        assert ledger.datasets() == []
    assert api.seen == [("/v1/datasets", "Bearer secret")] and other.seen == [("/elsewhere", None)]


def test_and_take_it_along_at_home_and_not_back_again_by_way_of_another(hosts):
    api, other, answer = hosts
    answer["/v1/datasets"] = (302, {"location": "/v2"}, b"")
    answer["/v2"] = (302, {"location": f"{other.url}/away"}, b"")
    answer["/away"] = (302, {"location": f"{other.url}/further"}, b"")
    with Ledger(api.url, "secret") as ledger:
        ledger.datasets()
    assert api.seen == [("/v1/datasets", "Bearer secret"), ("/v2", "Bearer secret")]
    assert other.seen == [("/away", None), ("/further", None)]


def test_a_post_is_not_sent_elsewhere_and_circles_end(hosts):
    api, other, answer = hosts
    answer["/v1/experiments"] = (307, {"location": f"{other.url}/v1/experiments"}, b"")
    answer["/v1/datasets"] = (302, {"location": "/v1/datasets"}, b"")
    with Ledger(api.url, "secret") as ledger:
        with pytest.raises(Unreachable, match="redirects a POST"):
            ledger.submit({})
        with pytest.raises(Unreachable, match="without end"):
            ledger.datasets()
    assert other.seen == []


def test_no_word_of_the_key_in_what_is_printed(hosts):
    api, _, answer = hosts
    answer["/v1/datasets"] = (500, {}, b"not a problem")
    with Ledger(api.url, "secret") as ledger:
        with pytest.raises(ApiError) as caught:
            ledger.datasets()
        assert "secret" not in f"{ledger!r} {caught.value!r} {ledger._http!r}"
