"""The command line: click, one file a group of commands; heavy imports wait until a command needs them."""
