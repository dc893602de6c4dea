"""Calls the greeter with nothing but the standard library and msgpack."""

import http.client
import json
import sys

import msgpack

connection = http.client.HTTPConnection(sys.argv[1], timeout=10)


def call(path, content_type, body):
    connection.request("POST", path, body, {"Content-Type": content_type})
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read()


for name, dumps, loads in [
    ("application/json", lambda value: json.dumps(value).encode(), json.loads),
    ("application/msgpack", msgpack.packb, msgpack.unpackb),
]:
    status, content_type, body = call("/Greeter/Hello", name, dumps({"name": "John"}))
    assert (status, content_type) == (200, name), (status, content_type, body)
    print(name, loads(body)["greeting"])

status, content_type, body = call("/Greeter/Nope", "application/json", b"{}")
detail = json.loads(body)["detail"]
assert "Greeter.Hello" in detail, detail
print(status)
