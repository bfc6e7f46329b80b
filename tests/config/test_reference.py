"""`docs/settings.md` has every setting, as the settings themselves have it."""

from __future__ import annotations

from pathlib import Path

from botproxy.config.reference import reference, sections

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_explained_where_it_is_declared() -> None:
    for place, section in sections():
        for name, info in section.model_fields.items():
            assert info.description, f"{place}.{name} has no docstring"


def test_the_page_is_what_the_settings_say() -> None:
    """Otherwise: botproxy schema --markdown > docs/settings.md"""
    assert PAGE.read_text("utf-8") == reference()


def test_defaults_are_written_as_operators_write_them() -> None:
    page = reference()
    assert "| `header` | `10s` |" in page
    assert "| `header_size` | `64KB` |" in page
    assert "| `time_budget` | `2500ms` |" in page
    assert "| `name` | has to be given |" in page
