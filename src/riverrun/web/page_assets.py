"""The page's own files, read once: scripts, styles and the icon, and the document that names them."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file in memory."""

    name: str
    media_type: str
    content: bytes


class PageAssets:
    """All static files under one digest of them all.

    The digest is a folder of their addresses, so that files which import each other always come from one release and
    may be cached for good.
    """

    def __init__(self, assets: list[Asset], document: str) -> None:
        self._assets = {asset.name: asset for asset in assets}
        self._document = document
        self.digest = _digest_of(assets)

    @classmethod
    def load(cls) -> "PageAssets":
        """Read the files of this package. The only reads: no request touches the disk."""
        package = files("riverrun.web")
        paths = sorted(package.joinpath("static").iterdir(), key=lambda path: path.name)
        assets = [asset for path in paths if (asset := _asset_of(path)) is not None]
        return cls(assets, package.joinpath("page.html").read_text("utf-8"))

    @property
    def root(self) -> str:
        """The address that relative imports start from, without a trailing slash."""
        return f"/static/{self.digest}"

    def find(self, digest: str, name: str) -> Asset | None:
        """The file of this release; none for another release's digest or an unknown name."""
        return self._assets.get(name) if digest == self.digest else None

    def document(self, nonce: str) -> str:
        """The page, with its scripts and styles named and its one inline script allowed by ``nonce``."""
        values = {"nonce": nonce, "root": self.root, "styles": self._styles(), "modules": self._modules()}
        document = self._document
        for name, value in values.items():
            document = document.replace(f"{{{{{name}}}}}", value)
        return document

    def _styles(self) -> str:
        return "\n".join(
            f'  <link rel="stylesheet" href="{self.root}/{name}">' for name in self._names_ending(".css")
        )

    def _modules(self) -> str:
        """All modules at once, instead of one round trip for each level of imports."""
        return "\n".join(
            f'  <link rel="modulepreload" href="{self.root}/{name}">' for name in self._names_ending(".js")
        )

    def _names_ending(self, suffix: str) -> list[str]:
        return [name for name in self._assets if name.endswith(suffix)]


def _asset_of(path: Traversable) -> Asset | None:
    suffix = path.name[path.name.rfind(".") :]
    if suffix not in MEDIA_TYPES:
        return None
    return Asset(path.name, MEDIA_TYPES[suffix], path.read_bytes())


def _digest_of(assets: list[Asset]) -> str:
    digest = hashlib.sha256()
    for asset in assets:
        digest.update(f"{asset.name}\0{len(asset.content)}\0".encode())
        digest.update(asset.content)
    return digest.hexdigest()[:16]
