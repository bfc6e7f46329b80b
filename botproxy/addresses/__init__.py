"""Addresses: lists of networks, and whose address a request really comes from."""

from botproxy.addresses.clouds import Clouds, load_clouds, shipped_clouds
from botproxy.addresses.faults import PlacesError
from botproxy.addresses.networks import NetworkSet, canonical, holder, parse_address
from botproxy.addresses.place_settings import PlaceSettings
from botproxy.addresses.places import Places, open_places
from botproxy.addresses.settings import Settings
from botproxy.addresses.visitor import Visitor, client_address

__all__ = [
    "Clouds",
    "NetworkSet",
    "PlaceSettings",
    "Places",
    "PlacesError",
    "Settings",
    "Visitor",
    "canonical",
    "client_address",
    "holder",
    "load_clouds",
    "open_places",
    "parse_address",
    "shipped_clouds",
]
