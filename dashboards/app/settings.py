"""Settings: how our Streamlit server behaves, whatever a machine says."""

from collections.abc import Mapping

ADDRESS = "127.0.0.1"
# A page of another host that resolves to this machine is turned away by name.
_HOSTS = ["127.0.0.1", "localhost"]
_SHARED: dict[str, object] = {
    "base": "light",
    "font": "'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif",
    "baseFontSize": 14,
    "baseRadius": "4px",
    "buttonRadius": "4px",
    "headingFontSizes": ["24px", "19px", "16px", "14px", "14px", "14px"],
    "headingFontWeights": [600, 600, 600, 600, 600, 600],
    "metricValueFontSize": "22px",
    "metricValueFontWeight": 600,
    "linkUnderline": False,
    "paddingTop": "0.75rem",
    "paddingBottom": "3rem",
    "showSidebarBorder": True,
}
_LIGHT = {
    "primaryColor": "#0b5cad",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f4f5f7",
    "textColor": "#1b1f24",
    "borderColor": "#d9dde3",
    "linkColor": "#0b5cad",
    "dataframeBorderColor": "#e3e6ea",
    "dataframeHeaderBackgroundColor": "#f4f5f7",
}
_DARK = {
    "primaryColor": "#4a9eea",
    "backgroundColor": "#14171c",
    "secondaryBackgroundColor": "#1d2229",
    "textColor": "#e6e9ed",
    "borderColor": "#343b45",
    "linkColor": "#7db8f0",
    "dataframeBorderColor": "#2b313a",
    "dataframeHeaderBackgroundColor": "#1d2229",
}


def settings(port: int) -> Mapping[str, object]:
    """Options of the server: loopback, silent, nothing of ours leaves."""
    return {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": True,
        "server.allowedHosts": _HOSTS,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": ADDRESS,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "runner.magicEnabled": False,
        "logger.level": "error",
        "logger.hideWelcomeMessage": True,
        **_theme(),
    }


def _theme() -> dict[str, object]:
    shared = {f"theme.{name}": value for name, value in _SHARED.items()}
    light = {f"theme.light.{name}": colour for name, colour in _LIGHT.items()}
    dark = {f"theme.dark.{name}": colour for name, colour in _DARK.items()}
    return {**shared, **light, **dark}
