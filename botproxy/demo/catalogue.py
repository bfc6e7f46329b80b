"""What the demo shop sells and what its journal tells: plain data."""

from __future__ import annotations

from typing import Final, NamedTuple


class Product(NamedTuple):
    """One thing on the shelf. Price in pence."""

    slug: str
    name: str
    kind: str
    price: int
    blurb: str
    story: str


class Article(NamedTuple):
    """One piece of the journal; paragraphs are plain text."""

    slug: str
    title: str
    standfirst: str
    paragraphs: tuple[str, ...]


PRODUCTS: Final = (
    Product(
        "storm-lantern",
        "Storm lantern",
        "Light",
        4800,
        "Brass, hand-spun, burns eleven hours on one filling.",
        "Made two doors down from the ferry steps. The glass is thicker on the weather side, which is whichever side"
        " you hang it.",
    ),
    Product(
        "harbour-bell",
        "Harbour bell",
        "Sound",
        7200,
        "Cast bronze, tuned to a slightly flat A.",
        "Rung once for arrivals and twice for soup. Comes with a plaited lanyard and a warning about neighbours.",
    ),
    Product(
        "oilskin-satchel",
        "Oilskin satchel",
        "Carry",
        8900,
        "Waxed cotton, one strap, room for a loaf and a chart.",
        "It has been left out in the rain on purpose every night for a year. The loaf was fine.",
    ),
    Product(
        "pilots-mug",
        "Pilot's mug",
        "Table",
        1600,
        "Stoneware with a base wider than its rim.",
        "Thrown for the pilot boat, where a cup that tips is a cup that is gone. Holds a third of a litre.",
    ),
    Product(
        "fog-blanket",
        "Fog blanket",
        "Home",
        11500,
        "Undyed wool in four greys, woven on the island.",
        "The four greys are mist, drizzle, proper fog and Tuesday. Large enough for two people and a dog.",
    ),
    Product(
        "splicing-fid",
        "Splicing fid",
        "Tools",
        2200,
        "Turned boxwood for opening the strands of a rope.",
        "Fits the palm, will not rust, floats. Instructions for three splices are burnt into the handle.",
    ),
    Product(
        "sounding-chart",
        "Sounding chart",
        "Paper",
        3400,
        "The bay in fathoms, printed from the plates of 1894.",
        "Two of the rocks have since moved, and are marked in pencil. Rolled, on heavy cotton paper.",
    ),
    Product(
        "paper-boat",
        "Paper boat kit",
        "Paper",
        900,
        "Twelve waxed sheets and a leaflet on rigging.",
        "They float for about an hour, which is long enough for a race and short enough for a lesson.",
    ),
)

ARTICLES: Final = (
    Article(
        "the-quiet-lighthouse",
        "The quiet lighthouse",
        "Nobody has kept the light on Skerry Head since 1987. Somebody still paints the door.",
        (
            "Every spring the door is green again. The harbour office has no record of a painter, no invoice for paint"
            " and, as the clerk points out, no key.",
            "The lamp itself is looked after by a box the size of a suitcase. It telephones the mainland twice a day to"
            " say that it is well. In forty years it has called in sick three times, and each time it was a gull.",
            "We sat on the step for an afternoon with sandwiches and waited for somebody with a brush. Nobody came. When"
            " we stood up, the backs of our coats were green.",
        ),
    ),
    Article(
        "how-to-read-a-tide-table",
        "How to read a tide table",
        "Four numbers a day, and every one of them is an opinion about the moon.",
        (
            "The table gives two high waters and two low ones. What it does not give is the wind, and a stiff"
            " south-westerly will hold the tide in the bay half an hour longer than the moon would like.",
            "So the ferry keeps two clocks. One shows the time; the other is set by hand to whatever the water is doing,"
            " and is the one that the crew believes.",
            "If you only learn one rule, learn the rule of twelfths: the sea moves one twelfth of its range in the first"
            " hour, two in the second, three in the third, and then goes home the same way.",
        ),
    ),
    Article(
        "soup-for-two-bells",
        "Soup for two bells",
        "Smoked haddock, leeks, and the last of the cream. Serves everyone who hears the bell.",
        (
            "Sweat three leeks in more butter than is decent. Add potatoes cut small, cover with milk, and leave it"
            " alone until a knife goes through.",
            "The fish goes in whole and comes apart by itself. Pepper, no salt, the cream at the end; then ring the bell"
            " twice and stand away from the door.",
        ),
    ),
)

KINDS: Final = tuple(sorted({product.kind for product in PRODUCTS}))


def product_named(slug: str) -> Product | None:
    return next((product for product in PRODUCTS if product.slug == slug), None)


def article_named(slug: str) -> Article | None:
    return next((article for article in ARTICLES if article.slug == slug), None)


def price_text(pence: int) -> str:
    return f"£{pence // 100}.{pence % 100:02d}"
