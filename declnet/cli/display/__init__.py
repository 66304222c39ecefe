"""What commands print: tables, progress, diagnostics, on terminals and elsewhere."""
