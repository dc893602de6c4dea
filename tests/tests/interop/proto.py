"""Sends messages of every shape to a mirror, by Google's protobuf, and compares what comes back.

Arguments: the address, and a file with the descriptors of the types.
"""

import http.client
import json
import random
import sys

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf import duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor as Field

files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[2], "rb").read())
pool = descriptor_pool.Default()
for file in files.file:
    if not file.name.startswith("google/protobuf/"):
        pool.Add(file)
        package = file.package
Everything = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Everything"))
connection = http.client.HTTPConnection(sys.argv[1], timeout=10)


def call(content_type, body):
    connection.request("POST", "/Mirror/Everything", body, {"Content-Type": content_type})
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read()


def mirrored(content_type, body):
    status, returned, body = call(content_type, body)
    assert (status, returned) == (200, content_type), (status, returned, body)
    return body


def text(pick):
    return "".join(pick.choice("aZ0 é\n\"\\\u2028😀\0") for _ in range(pick.randrange(6)))


def known(message, pick, depth):
    """Fills a message that comes with protobuf; whether it was one."""
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.seconds, message.nanos = pick.randrange(-62135596800, 253402300800), nanos(pick)
    elif name == "google.protobuf.Duration":
        # A `Duration` of Rust has no sign.
        message.seconds, message.nanos = pick.randrange(315576000000), nanos(pick)
    elif name == "google.protobuf.FieldMask":
        message.paths.extend(pick.sample(["a", "user.display_name", "x_y.z"], pick.randrange(4)))
    elif name == "google.protobuf.Value":
        json_format.ParseDict(value(pick, depth), message)
    elif name == "google.protobuf.Struct":
        json_format.ParseDict({text(pick): value(pick, depth) for _ in range(pick.randrange(3))}, message)
    elif name == "google.protobuf.ListValue":
        json_format.ParseDict([value(pick, depth) for _ in range(pick.randrange(3))], message)
    elif name != "google.protobuf.Empty":
        return False
    return True


def nanos(pick):
    return pick.choice([0, 500000000, 1000, 1, 999999999])


def value(pick, depth):
    kind = pick.randrange(7 if depth < 4 else 5)
    if kind == 5:
        return [value(pick, depth + 1) for _ in range(pick.randrange(3))]
    if kind == 6:
        return {text(pick): value(pick, depth + 1) for _ in range(pick.randrange(3))}
    return [None, pick.random() < 0.5, pick.uniform(-10, 10), pick.randrange(-9, 9), text(pick)][kind]


def scalar(field, pick):
    kind = field.type
    if kind in (Field.TYPE_INT32, Field.TYPE_SINT32, Field.TYPE_SFIXED32):
        return pick.choice([0, 1, -1, 2**31 - 1, -(2**31)])
    if kind in (Field.TYPE_INT64, Field.TYPE_SINT64, Field.TYPE_SFIXED64):
        return pick.choice([0, 1, -1, 2**63 - 1, -(2**63)])
    if kind in (Field.TYPE_UINT32, Field.TYPE_FIXED32):
        return pick.choice([0, 1, 2**32 - 1])
    if kind in (Field.TYPE_UINT64, Field.TYPE_FIXED64):
        return pick.choice([0, 1, 2**64 - 1])
    if kind == Field.TYPE_FLOAT:
        return pick.choice([0.0, 0.5, -1.5, 16777216.0, 0.1, float("inf"), float("-inf")])
    if kind == Field.TYPE_DOUBLE:
        return pick.choice([0.0, 0.1, -1.5, 1e300, 5e-324, float("inf"), float("-inf")])
    if kind == Field.TYPE_BOOL:
        return pick.random() < 0.5
    if kind == Field.TYPE_STRING:
        return text(pick)
    if kind == Field.TYPE_BYTES:
        return bytes(pick.randrange(256) for _ in range(pick.randrange(6)))
    assert kind == Field.TYPE_ENUM, kind
    return pick.choice([value.number for value in field.enum_type.values] + [77, -3])


def repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == Field.LABEL_REPEATED


def fill(message, pick, chance, any_too, depth=0):
    """Fills a message, each field with this chance, beside those with many values."""
    if known(message, pick, depth):
        return
    for field in message.DESCRIPTOR.fields:
        nested = field.message_type
        if pick.random() > chance or (nested and depth > 4):
            continue
        if nested and nested.full_name == "google.protobuf.Any":
            if any_too:
                getattr(message, field.name).Pack(wrappers_pb2.StringValue(value=text(pick)))
        elif nested and nested.GetOptions().map_entry:
            key, content = nested.fields_by_name["key"], nested.fields_by_name["value"]
            for _ in range(pick.randrange(3)):
                at = scalar(key, pick)
                if content.message_type:
                    getattr(message, field.name)[at].SetInParent()
                    fill(getattr(message, field.name)[at], pick, chance, any_too, depth + 1)
                else:
                    getattr(message, field.name)[at] = scalar(content, pick)
        elif repeated(field):
            for _ in range(pick.randrange(3)):
                if nested:
                    fill(getattr(message, field.name).add(), pick, chance, any_too, depth + 1)
                else:
                    getattr(message, field.name).append(scalar(field, pick))
        elif nested:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), pick, chance, any_too, depth + 1)
        else:
            setattr(message, field.name, scalar(field, pick))


def messages(any_too):
    """An empty message, one in which everything is said, and many between."""
    yield Everything()
    for seed in range(201):
        message = Everything()
        fill(message, random.Random(seed), 1.0 if seed == 0 else 0.6, any_too)
        normal(message)
        yield message


def normal(message):
    """A oneof that is a message of its own has a choice; of values that are none there is null."""
    for field, content in message.ListFields():
        if not field.message_type:
            continue
        if field.message_type.GetOptions().map_entry:
            entries = content.values() if field.message_type.fields_by_name["value"].message_type else []
            for inner in entries:
                normal(inner)
        else:
            for inner in content if repeated(field) else [content]:
                normal(inner)
    if message.DESCRIPTOR.name == "Change" and not message.WhichOneof("kind"):
        message.nothing.SetInParent()


count = 0
for message in messages(True):
    reply = Everything.FromString(mirrored("application/protobuf", message.SerializeToString()))
    assert reply == message, f"{message}\n--- came back as\n{reply}"
    count += 1
print("application/protobuf", count)

count = 0
for message in messages(False):
    # Both spellings, and what is zero too, are read.
    for options in [{}, {"preserving_proto_field_name": True}, {"always_print_fields_with_no_presence": True}]:
        body = mirrored("application/json", json_format.MessageToJson(message, **options).encode())
        assert json_format.Parse(body, Everything()) == message, f"{message}\n--- came back as\n{body.decode()}"
    theirs = json_format.MessageToDict(message, use_integers_for_enums=False)
    assert json.loads(body) == theirs, f"{json.dumps(theirs)}\n--- came back as\n{body.decode()}"
    count += 1
print("application/json", count)

status, _, body = call("application/json", b'{"options": {"at": "now"}}')
print(status, next(word.rstrip(":") for word in json.loads(body)["detail"].split() if word.startswith("`")))
