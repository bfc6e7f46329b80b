"""An evaluation as a page of Markdown and a picture of how true probabilities came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from botproxy.scoring.ml import FEATURES, Model
from botproxy.training.calibration import Bin
from botproxy.training.evaluation import Evaluation

_WIDTH = 360


def markdown(model: Model, found: Evaluation) -> str:
    """The report, without its picture."""
    lines = [
        f"# Model {model.version}",
        "",
        f"Fitted on {found.fitted_on:,} requests; judged on {found.held_back:,} of clients that it has not seen: "
        f"{', '.join(found.held_back_names)}. Prior: {100 * model.prior:.0f} % people.",
        "",
        "| judged by | area under the ROC curve | loss | bots below 30 | people below 30 |",
        "|---|---|---|---|---|",
        *(
            f"| {each.name} | {each.area:.4f} | {each.loss:.4f} | {each.bots_found} | {each.people_hit} |"
            for each in found.compared
        ),
        "",
        "| client or behaviour | | below 30 | median score |",
        "|---|---|---|---|",
        *(
            f"| {row.name} | {'people' if row.human else 'bots'} | {row.below_30} | {row.median:.0f} |"
            for row in found.rows
        ),
        "",
        "| feature | asked by trees |",
        "|---|---|",
        *(f"| `{name}` | {count} |" for name, count in most_asked(model)[:20]),
        "",
    ]
    return "\n".join(lines)


def most_asked(model: Model) -> list[tuple[str, int]]:
    """How many questions of the trees are about each feature, most first."""
    counts: dict[str, int] = {}
    for number in model.trees.splits[0].reshape(-1).tolist():
        counts[model.features[number]] = counts.get(model.features[number], 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def catalogue() -> str:
    """Every feature, as a table for the documentation."""
    lines = ["| feature | of | unit | what it is | missing when |", "|---|---|---|---|---|"]
    lines += [
        f"| `{feature.name}` | {feature.group.value.replace('_', '-')} | {feature.unit} | {feature.meaning} | "
        f"{feature.missing} |"
        for feature in FEATURES
    ]
    return "\n".join(lines) + "\n"


def reliability_picture(bins: Iterable[Bin]) -> str:
    """An SVG: what was said along the bottom, what came up the side; true probabilities lie on the diagonal."""
    points = [(each.said * _WIDTH, (1 - each.came) * _WIDTH) for each in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-50 -15 {_WIDTH + 70} {_WIDTH + 65}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect x="-50" y="-15" width="{_WIDTH + 70}" height="{_WIDTH + 65}" fill="#fff"/>'
        f'<path d="M0 0V{_WIDTH}H{_WIDTH}" fill="none" stroke="#555"/>'
        f'<path d="M0 {_WIDTH}L{_WIDTH} 0" stroke="#aaa" stroke-dasharray="4"/>'
        f'<polyline points="{path}" fill="none" stroke="#1f6feb" stroke-width="2"/><g fill="#1f6feb">{circles}</g>'
        + "".join(
            f'<text x="{share * _WIDTH:.0f}" y="{_WIDTH + 18}" text-anchor="middle">{share:g}</text>'
            f'<text x="-8" y="{(1 - share) * _WIDTH + 4:.0f}" text-anchor="end">{share:g}</text>'
            for share in (0, 0.25, 0.5, 0.75, 1)
        )
        + f'<text x="{_WIDTH / 2:.0f}" y="{_WIDTH + 40}" text-anchor="middle">probability of a person, as said</text>'
        f'<text transform="translate(-38 {_WIDTH / 2:.0f}) rotate(-90)" text-anchor="middle">as it came</text></svg>\n'
    )


def scores_picture(people: Sequence[float], bots: Sequence[float]) -> str:
    """An SVG: how the scores of people (upwards) and of bots (downwards) are spread, ten points to a bar."""
    half, step = _WIDTH / 2, _WIDTH / 10
    bars = []
    for values, colour, sign in ((people, "#1a7f37", -1), (bots, "#cf222e", 1)):
        counted = [0] * 10
        for value in values:
            counted[min(9, int(value) // 10)] += 1
        for place, number in enumerate(counted):
            height = half * number / max(1, len(values))
            top = half - height if sign < 0 else half
            bars.append(
                f'<rect x="{place * step + 2:.0f}" y="{top:.1f}" width="{step - 4:.0f}" height="{height:.1f}" '
                f'fill="{colour}"/>'
            )
    marks = "".join(
        f'<text x="{tens * step / 10:.0f}" y="{_WIDTH + 18}" text-anchor="middle">{tens}</text>'
        for tens in (0, 30, 60, 90)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-50 -15 {_WIDTH + 70} {_WIDTH + 65}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect x="-50" y="-15" width="{_WIDTH + 70}" height="{_WIDTH + 65}" fill="#fff"/>{"".join(bars)}'
        f'<path d="M0 {half}H{_WIDTH}M{3 * step} 0V{_WIDTH}" stroke="#555" fill="none"/>{marks}'
        f'<text x="{_WIDTH / 2:.0f}" y="{_WIDTH + 40}" text-anchor="middle">score</text>'
        f'<text transform="translate(-20 {half / 2:.0f}) rotate(-90)" text-anchor="middle">people</text>'
        f'<text transform="translate(-20 {half * 1.5:.0f}) rotate(-90)" text-anchor="middle">bots</text></svg>\n'
    )
