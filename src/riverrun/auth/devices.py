"""What a person calls the thing that they are signed in on."""

BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
MOST_CHARS = 60


def device_of(user_agent: str) -> str:
    """ "Firefox on Linux" where both are known; else the first word that the program says of itself."""
    browser = _first_in(user_agent, BROWSERS)
    system = _first_in(user_agent, SYSTEMS)
    if browser and system:
        return f"{browser} on {system}"
    words = user_agent.encode("ascii", "replace").decode().split()
    return browser or (words[0][:MOST_CHARS] if words else "a program")


def _first_in(user_agent: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in known if mark in user_agent), "")
