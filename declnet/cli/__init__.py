"""The command line, built with click; heavy imports are deferred until they are needed."""
