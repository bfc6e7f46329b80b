"""Build hook of the wheel: it carries what runs in browsers, built from `web/` where that is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Fails the build of a wheel without its bundles, rather than the start of what was installed from it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not (root / "web" / "bundles.json").exists():
            if not list(root.glob("botproxy/*/assets/built/*")):
                raise RuntimeError("neither web/ nor bundles built from it are here: build from a whole source tree")
            return
        spec = importlib.util.spec_from_file_location("assets", root / "tools" / "assets.py")
        assert spec is not None
        assert spec.loader is not None
        assets = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(assets)
        assets.build(root)
