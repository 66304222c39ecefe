"""The command line: click, one file a subject; heavy imports wait until they are needed."""
