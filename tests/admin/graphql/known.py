"""The events behind the endpoint, known one by one."""

from __future__ import annotations

from made import BASE, HOUR, as_records, crowd

NOW = (BASE + 3 * HOUR) / 1e6
CROWD = crowd(1500)
RECORDS = as_records(CROWD)
