"""check_mcap.py FILE: holds all that an MCAP says of itself against what is in it, as Python's mcap reads both: CRCs,
statistics, indexes of chunks, messages, attachments and metadata, offsets of the summary. Prints what is in it."""

import io
import json
import sys
import zlib
from collections import Counter, defaultdict
from pathlib import Path

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.records import Attachment, Channel, Chunk, DataEnd, Footer, Message, MessageIndex, Metadata, Schema, SummaryOffset
from mcap.stream_reader import StreamReader, breakup_chunk, get_chunk_data_stream

HEAD = 9  # of a record: its opcode and its length
MAGIC = 8


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


def record_at(offset, kind):
    """What is at an offset of the file, and how long it is with its head."""
    opcode, length = file[offset], int.from_bytes(file[offset + 1 : offset + HEAD], "little")
    equal(opcode, kind, f"the record at {offset}")
    stream = ReadDataStream(io.BytesIO(file[offset + HEAD : offset + HEAD + length]))
    types = {Opcode.CHUNK: Chunk, Opcode.MESSAGE_INDEX: MessageIndex, Opcode.ATTACHMENT: Attachment, Opcode.METADATA: Metadata}
    return types[kind].read(stream), HEAD + length


def check_chunk(index):
    """A chunk against its index, and the indexes of its messages against these; the times of its messages."""
    chunk, length = record_at(index.chunk_start_offset, Opcode.CHUNK)
    equal(index.chunk_length, length, "chunk_length")
    for name in ("compression", "message_start_time", "message_end_time", "uncompressed_size"):
        equal(getattr(index, name), getattr(chunk, name), name)
    equal(index.compressed_size, len(chunk.data), "compressed_size")
    data, _ = get_chunk_data_stream(chunk, validate_crc=True)
    found = defaultdict(list)
    while data.count < chunk.uncompressed_size:
        at, opcode, size = data.count, data.read1(), data.read8()
        if opcode == Opcode.MESSAGE:
            message = Message.read(data, size)
            found[message.channel_id].append((message.log_time, at))
        else:
            data.read(size)
    times = [time for entries in found.values() for time, _ in entries]
    equal((index.message_start_time, index.message_end_time), (min(times), max(times)), "times of a chunk")
    equal(set(index.message_index_offsets), set(found), "channels of a chunk")
    total = 0
    for channel, offset in index.message_index_offsets.items():
        entries, length = record_at(offset, Opcode.MESSAGE_INDEX)
        equal((entries.channel_id, sorted(entries.records)), (channel, sorted(found[channel])), "a message index")
        total += length
    equal(index.message_index_length, total, "message_index_length")
    return times


def messages(reader, **options):
    return [
        (channel.topic, schema and schema.name, message.log_time, message.publish_time, message.sequence, message.data)
        for schema, channel, message in reader.iter_messages(**options)
    ]


file = Path(sys.argv[1]).read_bytes()
opened = lambda: io.BytesIO(file)

# By the summary, and record by record, with the CRCs of chunks and of the data.
reader = SeekingReader(opened(), validate_crcs=True)
summary = reader.get_summary()
statistics = summary.statistics
records = list(StreamReader(opened(), validate_crcs=True, emit_chunks=True).records)
end = next(record for record in records if isinstance(record, DataEnd))
data = records[: records.index(end)]
assert end.data_section_crc != 0, "no CRC of the data"
footer = records[-1]
assert isinstance(footer, Footer) and footer.summary_start > 0 and footer.summary_offset_start > 0, footer
crc = zlib.crc32(file[footer.summary_start : len(file) - MAGIC - 4])
equal(footer.summary_crc, crc, "summary_crc")

chunks = [record for record in data if isinstance(record, Chunk)]
assert all(chunk.uncompressed_crc != 0 for chunk in chunks), "no CRC of a chunk"
inner = [record for chunk in chunks for record in breakup_chunk(chunk, validate_crc=True)] + data
schemas = {record.id: record for record in inner if isinstance(record, Schema)}
channels = {record.id: record for record in inner if isinstance(record, Channel)}
attachments = [record for record in data if isinstance(record, Attachment)]
metadata = [record for record in data if isinstance(record, Metadata)]

equal(summary.schemas, schemas, "schemas of the summary")
equal(summary.channels, channels, "channels of the summary")
streamed = messages(NonSeekingReader(opened(), validate_crcs=True), log_time_order=False)
equal(messages(reader), streamed, "messages by index, beside those in the order of the file")
equal(messages(reader, log_time_order=False), streamed, "messages by index in the order of the file")
times = [message[2] for message in streamed]
equal(times, sorted(times), "order of messages")
for topic in {message[0] for message in streamed}:
    equal(messages(reader, topics=[topic]), [one for one in streamed if one[0] == topic], f"messages of {topic}")
if times:
    middle = times[len(times) // 2]
    wanted = [one for one in streamed if middle <= one[2] < times[-1]]
    equal(messages(reader, start_time=middle, end_time=times[-1]), wanted, "messages of a window")

equal(len(summary.chunk_indexes), len(chunks), "chunk indexes")
equal(sorted(time for index in summary.chunk_indexes for time in check_chunk(index)), times, "times by index")
names = Counter(message[0] for message in streamed)
counts = {id: names[channel.topic] for id, channel in channels.items() if names[channel.topic]}
equal(statistics.message_count, len(streamed), "message_count")
equal({id: count for id, count in statistics.channel_message_counts.items() if count}, counts, "channel_message_counts")
equal(
    (statistics.schema_count, statistics.channel_count, statistics.chunk_count, statistics.attachment_count, statistics.metadata_count),
    (len(schemas), len(channels), len(chunks), len(attachments), len(metadata)),
    "counts of schemas, channels, chunks, attachments, metadata",
)
equal((statistics.message_start_time, statistics.message_end_time), (min(times, default=0), max(times, default=0)), "times")

equal(len(summary.attachment_indexes), len(attachments), "attachment indexes")
for index in summary.attachment_indexes:
    attachment, length = record_at(index.offset, Opcode.ATTACHMENT)
    equal(index.length, length, "length of an attachment")
    for name in ("name", "media_type", "log_time", "create_time"):
        equal(getattr(index, name), getattr(attachment, name), f"{name} of an attachment")
    equal(index.data_size, len(attachment.data), "data_size of an attachment")
    content = file[index.offset + HEAD : index.offset + length]
    equal(int.from_bytes(content[-4:], "little"), zlib.crc32(content[:-4]), "CRC of an attachment")
equal(len(summary.metadata_indexes), len(metadata), "metadata indexes")
for index in summary.metadata_indexes:
    record, length = record_at(index.offset, Opcode.METADATA)
    equal((index.length, index.name), (length, record.name), "a metadata index")

# Groups of the summary: each begins where its offset says, and together they are all of it.
at = footer.summary_start
for group in sorted((one for one in records if isinstance(one, SummaryOffset)), key=lambda one: one.group_start):
    equal((group.group_start, file[at]), (at, group.group_opcode), "a summary offset")
    at += group.group_length
equal(at, footer.summary_offset_start, "the end of the summary's groups")

print(json.dumps({
    "profile": reader.get_header().profile,
    "messages": len(streamed),
    "chunks": len(chunks),
    "compressions": sorted({chunk.compression for chunk in chunks}),
    "attachments": [
        [one.name, one.media_type, str(one.log_time), str(one.create_time), one.data.decode()] for one in attachments
    ],
    "metadata": [[one.name, one.metadata] for one in metadata],
    "channels": {channel.topic: channel.metadata for channel in channels.values()},
}))
