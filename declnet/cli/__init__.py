"""The command line: click, one file a command; heavy imports wait until a command needs them."""
