"""Models to and from files of other formats: contracts, and the commands `export` and `import`.

It uses only the public API of declnet, so that another package could have provided it. Plugins add
formats by the contracts `Exporter`, `Translation` and `Importer`.
"""

from typing import TYPE_CHECKING

from declnet import lazy_names

if TYPE_CHECKING:
    from declnet_plugins.exchange.announcing import announce_translations as announce_translations
    from declnet_plugins.exchange.exported_model import ExportedColumn as ExportedColumn
    from declnet_plugins.exchange.exported_model import ExportedFinish as ExportedFinish
    from declnet_plugins.exchange.exported_model import ExportedInput as ExportedInput
    from declnet_plugins.exchange.exported_model import ExportedMember as ExportedMember
    from declnet_plugins.exchange.exported_model import ExportedModel as ExportedModel
    from declnet_plugins.exchange.exported_model import ExportedNode as ExportedNode
    from declnet_plugins.exchange.exported_model import ExportedOutput as ExportedOutput
    from declnet_plugins.exchange.exported_model import ExportedPredictions as ExportedPredictions
    from declnet_plugins.exchange.exported_model import ExportedStep as ExportedStep
    from declnet_plugins.exchange.exporter import Exporter as Exporter
    from declnet_plugins.exchange.exporter import ExportError as ExportError
    from declnet_plugins.exchange.exporter import ExportSummary as ExportSummary
    from declnet_plugins.exchange.exporter import FilePredictor as FilePredictor
    from declnet_plugins.exchange.exporter import TranslatedPart as TranslatedPart
    from declnet_plugins.exchange.exporting import ExportResult as ExportResult
    from declnet_plugins.exchange.exporting import export as export
    from declnet_plugins.exchange.importer import ImportedNetwork as ImportedNetwork
    from declnet_plugins.exchange.importer import Importer as Importer
    from declnet_plugins.exchange.importer import LeftoverError as LeftoverError
    from declnet_plugins.exchange.importing import ImportSummary as ImportSummary
    from declnet_plugins.exchange.importing import import_network as import_network
    from declnet_plugins.exchange.translating import FormatWriter as FormatWriter
    from declnet_plugins.exchange.translating import WrittenOutput as WrittenOutput
    from declnet_plugins.exchange.translating import translate_model as translate_model
    from declnet_plugins.exchange.translation import Translation as Translation
    from declnet_plugins.exchange.translation import TranslationSite as TranslationSite
    from declnet_plugins.exchange.translation import Untranslatable as Untranslatable

_NAMES = {
    "announcing": "announce_translations",
    "exported_model": (
        "ExportedColumn ExportedFinish ExportedInput ExportedMember ExportedModel ExportedNode "
        "ExportedOutput ExportedPredictions ExportedStep"
    ),
    "exporter": "Exporter ExportError ExportSummary FilePredictor TranslatedPart",
    "exporting": "ExportResult export",
    "importer": "ImportedNetwork Importer LeftoverError",
    "importing": "ImportSummary import_network",
    "translating": "FormatWriter WrittenOutput translate_model",
    "translation": "Translation TranslationSite Untranslatable",
}

_HOME_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605

__getattr__ = lazy_names(__name__, _HOME_OF)
