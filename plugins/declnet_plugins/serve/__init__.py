"""The command `declnet serve`: the models of runs over HTTP, with the extra `serve`.

It uses only the public API of declnet, so that another package could have provided it.
`client` asks a server for predictions, for `declnet diff --data`; that needs no extra.
"""
