"""Company is drawn whatever the label, has its own time, and is never a sample."""

from __future__ import annotations

from botproxy.training.accompanied import COMPANY, accompanied
from botproxy.training.dataset import Labelled
from botproxy.training.replaying import replay
from tests.training.test_terminated import recorded

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36"


def visits(number: int, human: bool) -> list[Labelled]:
    found = []
    for visit in range(number):
        for step in range(3):
            one = recorded(("user-agent", AGENT), ("accept", "*/*"), session=f"s{visit}")
            since = None if step == 0 else float(step)
            address = f"198.18.{visit}.1"
            found.append(
                one._replace(human=human, step=step, time=1_000.0 * visit + step, since=since, address=address)
            )
    return found


def test_a_visit_keeps_its_requests_and_company_comes_from_its_address() -> None:
    plain = visits(60, True)
    every = list(accompanied(plain, 1))
    own = [one for one in every if one.family != COMPANY]
    assert [one._replace(since=None) for one in own] == [one._replace(since=None) for one in plain]
    company = [one for one in every if one.family == COMPANY]
    assert {one.address for one in company} <= {one.address for one in plain}
    assert 20 < len({one.address for one in company}) < 60
    assert not {one.session for one in company} & {one.session for one in plain}
    assert list(accompanied(plain, 1)) == every


def test_company_and_forgetting_do_not_depend_on_the_label() -> None:
    people, bots = (list(accompanied(visits(60, human), 3)) for human in (True, False))
    assert sum(one.since is None for one in people) > sum(one.since is None for one in visits(60, True))
    shares = [len({one.address for one in each if one.family == COMPANY}) for each in (people, bots)]
    assert abs(shares[0] - shares[1]) < 15


def test_company_is_no_sample() -> None:
    plain = visits(20, True)
    samples = list(replay(accompanied(plain, 1)))
    assert len(samples) == len(plain)
    assert {sample.family for sample in samples} == {"chromium"}
