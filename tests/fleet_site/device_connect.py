# ruff: noqa: T201, PTH123 (standard output is the result; MicroPython has no pathlib)
# Runs in real MicroPython: connect to the broker with the three DER files of a device, publish, report.
# Arguments: directory of the files, port, server name, client id, topic ("" for none).
# Prints "connack <code>", then "puback" when the broker has the message, or "refused <reason>".
import socket
import ssl
import sys


def field(data: bytes) -> bytes:
    return bytes([len(data) >> 8, len(data) & 0xFF]) + data


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128  # one length byte
    return bytes([kind, len(body)]) + body


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def expect(stream: ssl.SSLSocket, size: int) -> bytes:
    answer = stream.read(size)
    if len(answer) < size:
        raise OSError("closed by the broker")
    return answer


def main(directory: str, port: str, server_name: str, client_id: str, topic: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=read(directory + "/ca.der"))
    context.load_cert_chain(read(directory + "/cert.der"), read(directory + "/key.der"))
    plain = socket.socket()
    plain.connect(socket.getaddrinfo("127.0.0.1", int(port))[0][-1])
    stream = context.wrap_socket(plain, server_hostname=server_name)
    stream.write(packet(0x10, field(b"MQTT") + b"\x04\x02\x00\x3c" + field(client_id.encode())))
    code = expect(stream, 4)[3]
    print("connack", code)
    if topic and code == 0:
        stream.write(packet(0x32, field(topic.encode()) + b"\x00\x01" + b"from micropython"))
        assert expect(stream, 4)[0] == 0x40
        print("puback")
    stream.close()


try:
    main(*sys.argv[1:])
except (OSError, ValueError) as error:  # ValueError: a certificate mbedTLS refuses
    print("refused", str(error).strip())
