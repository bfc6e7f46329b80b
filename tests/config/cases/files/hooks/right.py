from botproxy.hooks import Request


def decide(request: Request) -> None:
    return None
