"""The same facts from a few words that rules are tested with."""

from __future__ import annotations

from ..rules.conftest import FactsMaker, make_facts

__all__ = ["FactsMaker", "make_facts"]
