"""The wire: observations, statuses and hellos as bytes, and back.

A message is `[topic, payload]`: the topic is `clef.v1.<kind>.<camera>.`, the payload a msgpack map (or JSON). The
schema is `docs/wire.schema.json`, the guide for readers in any language `docs/wire.md`. Nothing in here needs ZeroMQ
but the modules that say so.
"""

from clef_rt.wire.decoder import Decoder
from clef_rt.wire.encoding import encode, to_map
from clef_rt.wire.hello import Hello
from clef_rt.wire.topic import Event, Kind, parse_topic, topic_of

__all__ = ["Decoder", "Event", "Hello", "Kind", "encode", "parse_topic", "to_map", "topic_of"]
