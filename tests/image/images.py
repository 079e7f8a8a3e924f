"""Pictures through Mosaico's SDK: `images.py PART PORT` prints what came of it as JSON."""

import io
import json
import logging
import sys

import numpy as np
from mosaicolabs import CompressedImage, Image, ImageFormat, Message, MosaicoClient
from PIL import Image as PILImage

logging.disable(logging.CRITICAL)

# What Pillow makes of these it makes without loss.
ENCODINGS = ["mono8", "rgb8", "bgr8", "rgba8", "bgra8", "mono16", "16UC1", "rgb16", "bgr16", "rgba16", "32FC1"]
FILES = [("rgb8", "png"), ("rgba8", "png"), ("mono16", "png"), ("rgb8", "jpeg"), ("mono8", "jpeg")]


def colours(width=7, height=5):
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([20 * columns, 40 * rows, 255 - 20 * columns, 200 - rows], axis=2).astype(np.uint8)


def smooth(width=32, height=16):
    """As JPEG likes them."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([8 * columns, 16 * rows, 128 + 0 * rows], axis=2).astype(np.uint8)


def pillow(encoding, rgba=colours()):
    if encoding == "mono8":
        return PILImage.fromarray(rgba[..., 0])
    if encoding in ("mono16", "16UC1"):
        return PILImage.fromarray(rgba[..., 0].astype(np.uint16) * 250 + 3)
    if encoding == "32FC1":
        return PILImage.fromarray(rgba[..., 0].astype(np.float32) / 7)
    return PILImage.fromarray(rgba if "a" in encoding else rgba[..., :3])


def jpeg(encoding):
    """The Image that a JPEG of these pixels is: the SDK makes none by itself, and reads them."""
    picture = pillow(encoding, smooth())
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=95)
    width, height = picture.size
    stride = width * len(picture.getbands())
    data = file.getvalue()
    return Image(data=data, format=ImageFormat.JPEG, width=width, height=height, stride=stride, encoding=encoding)


def seen(message):
    """A picture as Pillow shows it, and its bytes as they were stored."""
    data = message.data
    picture = data.to_pillow() if isinstance(data, Image) else data.to_image()
    return {
        "format": data.format.value,
        "stored": data.data.hex(),
        "mode": picture.mode,
        "size": list(picture.size),
        "pixels": np.array(picture).flatten().tolist(),
    }


def write(port):
    """Images raw and as PNG, CompressedImages of each format that Pillow has, and JPEG in an Image."""
    images = [
        Image.from_pillow(pillow(encoding), encoding, container)
        for encoding in ENCODINGS
        for container in (ImageFormat.RAW, ImageFormat.PNG)
    ]
    files = [
        CompressedImage.from_image(pillow(encoding, smooth() if kind == "jpeg" else colours()), ImageFormat(kind))
        for encoding, kind in FILES
    ]
    topics = {"images": images, "files": files, "jpegs": [jpeg("rgb8"), jpeg("mono8")]}
    written = {}
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        with client.sequence_create("theirs", {}) as sequence:
            for name, pictures in topics.items():
                topic = sequence.topic_create(name, {}, type(pictures[0]))
                messages = [Message(timestamp_ns=time, data=picture) for time, picture in enumerate(pictures)]
                for message in messages:
                    topic.push(message)
                written[name] = [seen(message) for message in messages]
    return written


def read(port):
    """What Pillow sees in the pictures of each topic."""
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        topics = {}
        for topic, message in client.sequence_handler("ours").get_data_streamer():
            topics.setdefault(topic, []).append(seen(message))
        return topics


print(json.dumps({"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])))
