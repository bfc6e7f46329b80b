"""Bots that say who they are: a directory of them, and what verifies their word. Fetching and asking are apart."""

from botproxy.bots.directory import Bot, Directory, DirectoryError, Fault, PublishedList
from botproxy.bots.knowledge import Knowledge, Question
from botproxy.bots.recogniser import Recogniser, Recognition
from botproxy.bots.settings import Settings
from botproxy.bots.shipped import load_directory, shipped_bots

__all__ = [
    "Bot",
    "Directory",
    "DirectoryError",
    "Fault",
    "Knowledge",
    "PublishedList",
    "Question",
    "Recogniser",
    "Recognition",
    "Settings",
    "load_directory",
    "shipped_bots",
]
