"""The plugins that ship with declnet, each a subpackage, written as a third party would."""
