"""Reports of runs: an HTML page and pictures, made by the commands `report` and `plot`.

Other plugins can add panels to the page by implementing `ReportPanel`.
"""

from typing import TYPE_CHECKING

from declnet import lazy_names

if TYPE_CHECKING:
    from declnet_plugins.report.page.panels import ReportPanel as ReportPanel
    from declnet_plugins.report.page.surfaces import png_address as png_address

__all__ = ["ReportPanel", "png_address"]

__getattr__ = lazy_names(__name__, {"ReportPanel": "page.panels", "png_address": "page.surfaces"})
