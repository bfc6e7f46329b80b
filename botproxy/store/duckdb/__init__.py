"""Events in one DuckDB file, in the process that owns it. Imported by the supervisor and the command line alone."""
