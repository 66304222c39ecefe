"""Reports of runs: an HTML page and pictures, made by the commands `report` and `plot`.

Other plugins can add panels to the page by implementing `ReportPanel`.
"""

from typing import TYPE_CHECKING

from declnet import lazy_names

if TYPE_CHECKING:
    from declnet_plugins.report.page.panels import ReportPanel as ReportPanel

__all__ = ["ReportPanel"]

__getattr__ = lazy_names(__name__, {"ReportPanel": "page.panels"})
