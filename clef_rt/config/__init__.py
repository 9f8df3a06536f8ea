"""Settings of `clef-rt live`: read from YAML, checked, with the line of whatever is wrong.

settings = load_config(Path("clef.yaml"))
for source in settings.resolved():
    print(source.camera, source.uri, source.options)
"""

from clef_rt.config._example import example
from clef_rt.config._load import check_config, load_config, overlaid
from clef_rt.config._settings import LiveSettings, OpenSettings, PublishSettings, ResolvedSource, SourceSettings

__all__ = [
    "LiveSettings",
    "OpenSettings",
    "PublishSettings",
    "ResolvedSource",
    "SourceSettings",
    "check_config",
    "example",
    "load_config",
    "overlaid",
]
