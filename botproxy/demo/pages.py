"""The demo shop's HTML: functions from data to text. Whatever came from a visitor goes through `escape`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from botproxy.demo.catalogue import ARTICLES, KINDS, PRODUCTS, Article, Product, price_text

NAME: Final = "Skerry & Daughters"
_MENU: Final = (
    ("/shop", "Shop"),
    ("/journal", "Journal"),
    ("/guestbook", "Visitors' book"),
    ("/chat", "Chat"),
    ("/tide", "Tide"),
    ("/downloads", "Downloads"),
    ("/headers", "Your request"),
)


def page(title: str, body: str, *, here: str = "", status_note: str = "") -> str:
    """A whole document around `body`; `here` marks the menu entry."""
    entries = "".join(
        f'<a href="{path}"{" aria-current=page" if path == here else ""}>{escape(label)}</a>' for path, label in _MENU
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {escape(NAME)}</title>"
        '<link rel="icon" href="/assets/favicon.svg" type="image/svg+xml"><link rel="stylesheet" href="/assets/site.css">'
        '<script src="/assets/site.js" type="module"></script></head>'
        f'<body><header><a class="name" href="/">{escape(NAME)}</a><nav>{entries}</nav></header><main>{body}</main>'
        "<footer>A made-up shop on a made-up island, here so that a proxy has something to stand in front of. "
        f"{escape(status_note)}</footer></body></html>"
    )


def home() -> str:
    return page(
        "Things for weather",
        '<section class="hero"><img src="/pictures/things-for-weather.svg" alt="The sea at dusk">'
        "<div><h1>Things for weather</h1><p>Lanterns, blankets and other reasons to stay on the quay a little longer."
        '</p></div></section><h2>From the shop</h2><ul class="grid">'
        f"{_cards(PRODUCTS[:4])}</ul><h2>From the journal</h2><ul class='grid'>{_article_cards()}</ul>",
    )


def shop(kind: str, wanted: str) -> str:
    """The shelves, narrowed to one kind and to names that contain `wanted`."""
    found = [
        product
        for product in PRODUCTS
        if (not kind or product.kind == kind) and wanted.casefold() in f"{product.name} {product.blurb}".casefold()
    ]
    kinds = " · ".join(f'<a href="/shop?kind={escape(name)}">{escape(name)}</a>' for name in KINDS)
    nothing = "" if found else f"<p>Nothing on the shelves answers to “{escape(wanted or kind)}”.</p>"
    return page(
        "Shop",
        f'<h1>Shop</h1><form class="row" action="/shop"><input name="q" value="{escape(wanted)}" placeholder="Search the'
        f' shelves" aria-label="Search"><button>Search</button></form><p class="note"><a href="/shop">Everything</a> ·'
        f' {kinds}</p>{nothing}<ul class="grid">{_cards(found)}</ul>',
        here="/shop",
    )


def product(item: Product) -> str:
    return page(
        item.name,
        f'<div class="two"><img src="/pictures/{item.slug}.svg" alt="{escape(item.name)}"><div>'
        f'<p class="note">{escape(item.kind)}</p><h1>{escape(item.name)}</h1><p>{escape(item.blurb)}</p>'
        f'<p>{escape(item.story)}</p><p class="price">{price_text(item.price)}</p>'
        f'<p class="note" data-stock="{item.slug}">Asking the shelf…</p>'
        f'<p><a href="/api/products/{item.slug}">The same as JSON</a></p></div></div>',
        here="/shop",
    )


def journal() -> str:
    return page("Journal", f'<h1>Journal</h1><ul class="grid">{_article_cards()}</ul>', here="/journal")


def article(item: Article) -> str:
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in item.paragraphs)
    return page(
        item.title,
        f'<article><div class="hero"><img src="/pictures/{item.slug}.svg" alt=""></div><h1>{escape(item.title)}</h1>'
        f'<p class="note">{escape(item.standfirst)}</p><div class="story">{text}</div></article>',
        here="/journal",
    )


def guestbook(entries: Iterable[tuple[str, str]], complaint: str = "") -> str:
    """The visitors' book: (name, message) pairs, newest first, and the form that adds one."""
    quotes = "".join(
        f"<blockquote>{escape(text)}<br><cite>{escape(name)}</cite></blockquote>" for name, text in entries
    )
    warning = f'<p class="price" role="alert">{escape(complaint)}</p>' if complaint else ""
    return page(
        "Visitors' book",
        f'<h1>Visitors’ book</h1><div class="two"><form method="post" action="/guestbook">{warning}'
        '<label>Name<input name="name" maxlength="60" required></label>'
        '<label>Message<textarea name="message" rows="5" maxlength="500" required></textarea></label>'
        f"<button>Sign the book</button></form><div>{quotes}</div></div>",
        here="/guestbook",
    )


def chat() -> str:
    return page(
        "Chat",
        "<h1>Chat</h1><p class='note'>A WebSocket to this origin: <span id='state'>connecting</span>. Open a second"
        " window to talk to yourself.</p><ul class='log' id='log' aria-live='polite'></ul><form class='row' data-chat>"
        "<input id='line' maxlength='400' autocomplete='off' aria-label='Message' placeholder='Say something'>"
        "<button>Send</button></form>",
        here="/chat",
    )


def tide() -> str:
    return page(
        "Tide",
        "<h1>Tide at the ferry steps</h1><p class='note'>Server-sent events, one a second: <span id='tide'>listening…"
        "</span></p><div class='gauge'><canvas data-tide></canvas></div>",
        here="/tide",
    )


def downloads(files: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f'<tr><td><a href="/files/{name}">{name}</a></td><td>{size}</td></tr>' for name, size in files)
    return page(
        "Downloads",
        "<h1>Downloads</h1><p class='note'>Made while they are sent, with ranges, never held in memory. Any size works:"
        f" <code>/files/bytes-12345.bin</code>.</p><table>{rows}</table>"
        '<p><img src="/pictures/postcard.png" width="480" height="270" alt="A postcard: dusk over water"></p>',
        here="/downloads",
    )


def headers(line: str, received: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in received)
    return page(
        "Your request",
        f"<h1>Your request</h1><p class='note'>As it arrived at the origin, after the proxy: <code>{escape(line)}</code>"
        f"</p><table>{rows}</table>",
        here="/headers",
    )


def not_found(path: str) -> str:
    return page("Not here", f"<h1>Not here</h1><p>There is no <code>{escape(path)}</code> on this island.</p>")


def _cards(products: Iterable[Product]) -> str:
    return "".join(
        f'<li class="card"><a href="/shop/{item.slug}"><img src="/pictures/{item.slug}.svg" alt="" loading="lazy"><div>'
        f"<h3>{escape(item.name)}</h3><p>{escape(item.blurb)}</p><p class='price'>{price_text(item.price)}</p>"
        "</div></a></li>"
        for item in products
    )


def _article_cards() -> str:
    return "".join(
        f'<li class="card"><a href="/journal/{item.slug}"><img src="/pictures/{item.slug}.svg" alt="" loading="lazy">'
        f"<div><h3>{escape(item.title)}</h3><p>{escape(item.standfirst)}</p></div></a></li>"
        for item in ARTICLES
    )
