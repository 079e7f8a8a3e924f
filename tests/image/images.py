"""Pictures through Mosaico's SDK: `images.py PART PORT` prints what came of it as JSON."""

import json
import logging
import sys

import numpy as np
from mosaicolabs import CompressedImage, Image, ImageFormat, Message, MosaicoClient
from PIL import Image as PILImage

logging.disable(logging.CRITICAL)

# What Pillow makes of these it makes without loss.
ENCODINGS = ["mono8", "rgb8", "bgr8", "rgba8", "bgra8", "mono16", "16UC1", "rgb16", "bgr16", "rgba16", "32FC1"]


def colours(width=7, height=5):
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([20 * columns, 40 * rows, 255 - 20 * columns, 200 - rows], axis=2).astype(np.uint8)


def pillow(encoding):
    rgba = colours()
    if encoding == "mono8":
        return PILImage.fromarray(rgba[..., 0])
    if encoding in ("mono16", "16UC1"):
        return PILImage.fromarray(rgba[..., 0].astype(np.uint16) * 250 + 3)
    if encoding == "32FC1":
        return PILImage.fromarray(rgba[..., 0].astype(np.float32) / 7)
    return PILImage.fromarray(rgba if "a" in encoding else rgba[..., :3])


def write(port):
    """An Image of each encoding, raw and as PNG, and a CompressedImage of each format that Pillow has."""
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        with client.sequence_create("theirs", {}) as sequence:
            images = sequence.topic_create("images", {}, Image)
            files = sequence.topic_create("files", {}, CompressedImage)
            time = 0
            for encoding in ENCODINGS:
                for container in (ImageFormat.RAW, ImageFormat.PNG):
                    image = Image.from_pillow(pillow(encoding), encoding, container)
                    images.push(Message(timestamp_ns=time, data=image))
                    time += 1
            for encoding, container in (("rgb8", "png"), ("rgba8", "png"), ("mono16", "png"), ("rgb8", "jpeg")):
                image = CompressedImage.from_image(pillow(encoding), ImageFormat(container))
                files.push(Message(timestamp_ns=time, data=image))
                time += 1
    return {encoding: np.array(pillow(encoding)).flatten().tolist() for encoding in ENCODINGS}


def read(port):
    """What Pillow sees in the pictures of the topics `images` and `files`."""
    with MosaicoClient.connect("127.0.0.1", int(port)) as client:
        seen = []
        for topic, message in client.sequence_handler("ours").get_data_streamer():
            picture = message.data.to_pillow() if topic == "/images" else message.data.to_image()
            pixels = np.array(picture)
            seen.append([topic, picture.mode, picture.width, picture.height, pixels.flatten().tolist()])
        return seen


print(json.dumps({"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])))
