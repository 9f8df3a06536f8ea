"""Print the JSON Schema: `python -m clef_rt.wire > docs/wire.schema.json`."""

import json

from clef_rt.wire.schema import json_schema

print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
