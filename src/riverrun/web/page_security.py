"""What a browser may do with our page: the second wall behind escaped output."""

import secrets

STATIC_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
DOCUMENT_HEADERS = {
    **STATIC_HEADERS,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def new_nonce() -> str:
    """A value that one response's inline script is allowed by."""
    return secrets.token_urlsafe(18)


def content_security_policy(nonce: str) -> str:
    """Scripts and styles from here alone, no style attributes, no frames, and HTML only through our one policy.

    ``riverrun`` is the Trusted Types policy of ``trusted_html.js``: no other code can turn a string into markup.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types riverrun",
        ]
    )
