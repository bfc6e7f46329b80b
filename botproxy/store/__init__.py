"""What has to be shared to be true: protocols here, backends chosen by the composition roots alone."""

from botproxy.store.keyvalue import KeyValue, OwnedKeys, StoreAway, StoreFull
from botproxy.store.notices import Notice, Notices

__all__ = ["KeyValue", "Notice", "Notices", "OwnedKeys", "StoreAway", "StoreFull"]
