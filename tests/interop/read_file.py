"""Prints as JSON what pyarrow finds in an Arrow IPC file: read_file.py FILE..., one line a file."""

import json
import sys

import pyarrow as pa

from values import rows


def text(pairs):
    return {key.decode(): value.decode() for key, value in (pairs or {}).items()}


def batches(reader, count):
    for i in range(count):
        batch, metadata = reader.get_batch_with_custom_metadata(i)
        batch.validate(full=True)
        yield {"rows": rows(batch), "metadata": text(metadata)}


for path in sys.argv[1:]:
    with pa.memory_map(path) as source:
        reader = pa.ipc.open_file(source)
        found = {
            "fields": [
                {"name": field.name, "type": str(field.type), "nullable": field.nullable, "metadata": text(field.metadata)}
                for field in reader.schema
            ],
            "metadata": text(reader.schema.metadata),
            "footer": text(reader.metadata),
            "batches": list(batches(reader, reader.num_record_batches)),
        }
        # The same bytes as a stream, which is what is left of a file whose writer died.
        source.seek(8)
        stream = pa.ipc.open_stream(source)
        found["streamed"] = [rows(batch) for batch in stream]
    print(json.dumps(found))
