"""The original's GraphQL Analytics API over the events of this proxy: its datasets, dimensions, filters and limits."""
