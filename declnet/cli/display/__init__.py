"""The output of commands: tables, progress, diagnostics, on terminals and elsewhere."""
