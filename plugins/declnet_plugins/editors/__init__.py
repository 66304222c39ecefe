"""Support for editors: the JSON Schema of specs with completion, and the command `declnet schema`.

It uses only the public API of declnet, so that another package could have provided it.
"""
