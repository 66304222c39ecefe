"""What people look at: log lines, tables, progress."""
