"""What a bot can be, in the original's words (reference section 12.3), and what artificial intelligence is used for."""

from __future__ import annotations

from typing import Final, Literal

Category = Literal[
    "Academic Research",
    "Accessibility",
    "Advertising & Marketing",
    "Aggregator",
    "AI Assistant",
    "AI Crawler",
    "AI Search",
    "Archiver",
    "Feed Fetcher",
    "Monitoring & Analytics",
    "Page Preview",
    "Search Engine Crawler",
    "Search Engine Optimization",
    "Security",
    "Social Media Marketing",
    "Webhooks",
    "Other",
]
"""The values of `cf.verified_bot_category`."""

Purpose = Literal["search", "agent", "training"]
"""What becomes of what a bot reads: an index, one person's answer, a model."""

_TAGS: Final = {
    "Search Engine Crawler": "SearchEngine",
    "Search Engine Optimization": "SEO",
    "Advertising & Marketing": "Advertising",
    "Monitoring & Analytics": "Monitoring",
}


def category_tag(category: str) -> str:
    """The tag of a category, as it stands in `BotTags` behind the tags of the bot itself."""
    return _TAGS.get(category) or category.replace(" ", "")


def ai_purpose(category: str, purpose: str) -> str:
    """Which setting for artificial intelligence covers a bot; "" for none: a search engine's crawler is not meant by
    what is decided about searches of artificial intelligence."""
    return purpose if purpose != "search" or category == "AI Search" else ""
