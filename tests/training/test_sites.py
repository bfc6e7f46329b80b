from __future__ import annotations

from botproxy.training.dataset import Labelled
from botproxy.training.sites import SITES, Site, again_and_again, elsewhere


def asked(kind: str, destination: str, session: str = "s", at: float = 0.0, human: bool = True) -> Labelled:
    headers = (("host", "shop.test"), ("sec-fetch-dest", destination), ("accept", "*/*"))
    return Labelled(
        human, "chromium", "chromium", "156", "browsing", "none", False, session, 1, at, "192.0.2.1", "GET", "/a?b",
        "HTTP/2", True, "shop.test", headers, 0, kind, 200, "text/html", "", "", "", "", "", at,
    )  # fmt: skip


def always(name: str) -> tuple[Site, ...]:
    return tuple(site._replace(share=1.0) for site in SITES if site.name == name)


PAGE, PICTURE, DATA = asked("page", "document"), asked("part", "image"), asked("api", "empty")


def test_pictures_that_lie_elsewhere_are_not_asked_for_here() -> None:
    assert list(elsewhere([PAGE, PICTURE, DATA], 1, always("assets elsewhere"))) == [PAGE, DATA]


def test_a_site_of_pages_alone_gets_nothing_else() -> None:
    assert list(elsewhere([PAGE, PICTURE, DATA], 1, always("pages alone"))) == [PAGE]


def test_a_picture_that_is_gone_is_gone_each_time() -> None:
    many = [PICTURE._replace(target=f"/{number % 30}.png") for number in range(90)]
    found: dict[str, set[int]] = {}
    for one in elsewhere(many, 1, always("broken")):
        found.setdefault(one.target, set()).add(one.status)
    assert all(len(statuses) == 1 for statuses in found.values())
    assert {200, 404} == {status for statuses in found.values() for status in statuses}


def test_an_interface_that_refuses_has_pages_all_the_same() -> None:
    made = list(elsewhere([PAGE, *[DATA._replace(target=f"/{n}") for n in range(40)]], 1, always("refusing")))
    assert made[0] == PAGE
    assert {401, 403} <= {one.status for one in made}


def test_the_kind_of_site_says_nothing_of_the_label() -> None:
    visits = [asked("part", "image", session=str(number)) for number in range(300)]
    people = [one.session for one in elsewhere(visits, 1)]
    bots = [one.session for one in elsewhere([one._replace(human=False) for one in visits], 1)]
    assert people == bots
    assert 0 < len(people) < 300


def test_what_comes_again_comes_in_the_order_of_time() -> None:
    visits = [asked("page", "document", session=str(number), at=float(number)) for number in range(200)]
    visits += [asked("api", "empty", session=str(number), at=200.0 + number) for number in range(200)]
    found = list(again_and_again(visits, 1))
    assert len(found) > 400
    assert [one.time for one in found] == sorted(one.time for one in found)
    assert all(one.since is not None for one in found)


def test_people_alone_load_pages_again() -> None:
    visits = [asked("page", "document", session=str(number), human=False) for number in range(200)]
    assert list(again_and_again(visits, 1)) == visits
