"""Events of many nodes in one ClickHouse. Imported by the supervisor and the command line alone."""
