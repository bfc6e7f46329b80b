"""Templates and logos of pages: there, right, and small enough; a fault in a template is shown where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botproxy.challenges.page_settings import PageSettings
from botproxy.config.document import Document, Path
from botproxy.config.explain import dotted
from botproxy.config.problems import Problem
from botproxy.config.tree import Config
from botproxy.errors import OperatorError

if TYPE_CHECKING:
    from botproxy.challenges.reports import ReportSeals


def pages(config: Config, document: Document, file: str) -> Iterator[tuple[Path, Problem]]:
    """Everything that is wrong with the pages of the instance and of its zones, each once."""
    seen: set[PageSettings] = set()
    places: list[tuple[Path, PageSettings]] = [(("pages",), config.pages)]
    places += [(("zones", at, "pages"), zone.pages) for at, zone in enumerate(config.zones) if zone.pages is not None]
    for path, settings in places:
        if settings in seen or (settings.template is None and settings.logo is None):
            continue
        seen.add(settings)
        for problem in _faults(settings, document, file, path):
            yield path, problem


def _faults(settings: PageSettings, document: Document, file: str, path: Path) -> Iterator[Problem]:
    # Who only hands a source on, as the supervisor does, makes no pages.
    from botproxy.challenges.page import weigh
    from botproxy.challenges.pages import MAX_PAGE, Pages, load_look
    from botproxy.challenges.template import TemplateError

    for name in ("template", "logo"):
        try:
            load_look(PageSettings(**{name: getattr(settings, name)}))
        except TemplateError as error:
            for fault in error.faults:
                yield Problem(str(settings.template), fault.line, fault.column, fault.what, fault.right)
            return
        except OperatorError as error:
            said = str(error).partition(": ")[2]
            place = document.place((*path, name))
            yield Problem(file, *place.value, said, "the path of a file that this user can read", dotted((*path, name)))
            return
    size = weigh(Pages(load_look(settings), _seals()))
    if size > MAX_PAGE:
        what = f"pages would have up to {size:,} bytes, and {MAX_PAGE:,} is the limit"
        yield Problem(file, *document.place(path).key, what, "a shorter template, or a smaller logo", dotted(path))


def _seals() -> ReportSeals:
    from botproxy.challenges.reports import REPORT_PURPOSE, ReportSeals
    from botproxy.cookies import KeyRing, Sealer

    return ReportSeals(Sealer(KeyRing([bytes(range(32))]), REPORT_PURPOSE, ""))
