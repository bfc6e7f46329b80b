from botproxy.hooks import Request

LIMITS = {"/login": int("many")}


def decide(request: Request) -> None:
    return None
