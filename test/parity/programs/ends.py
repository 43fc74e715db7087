"""Opens what the plan on the command line (JSON) asks for, says `ready`, and keeps all of it until its standard input ends.

Steps: {"serve": "tcp"|"udp", "host", "port", "keep"?}: echoes; with "keep" the own side stays open after the client's is closed. The others take
"host", "port" and "count": {"tcp"}: held; {"closed"}: closed by us; {"half"}: our side closed; {"syn"}: never answered; {"udp"}: connected and answered;
{"loose"}: answered, without connect(); {"silent"}: UDP never answered; {"ping"}: ids from "port" on; {"raw"}: bytes of an IP protocol, "packet" as hex.
"""
import json, selectors, socket, struct, sys, threading

held = []


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def serve_tcp(host, port, keep):
    listener = socket.socket(family(host))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)

    def run():
        while True:
            for key, _ in ready.select():
                if key.fileobj is listener:
                    accepted, _ = listener.accept()
                    ready.register(accepted, selectors.EVENT_READ)
                    continue
                data = key.fileobj.recv(4096)
                if data:
                    key.fileobj.sendall(data)
                    continue
                ready.unregister(key.fileobj)
                held.append(key.fileobj) if keep else key.fileobj.close()

    threading.Thread(target=run, daemon=True).start()


def serve_udp(host, port):
    server = socket.socket(family(host), socket.SOCK_DGRAM)
    server.bind((host, port))

    def run():
        while True:
            data, peer = server.recvfrom(4096)
            server.sendto(data, peer)

    threading.Thread(target=run, daemon=True).start()


def open_tcp(host, port):
    client = socket.socket(family(host))
    client.settimeout(20)
    client.connect((host, port))
    client.sendall(b".")
    assert client.recv(1) == b".", "an echo"
    return client


def half(host, port):
    client = open_tcp(host, port)
    client.shutdown(socket.SHUT_WR)
    held.append(client)


def closed(host, port):
    client = open_tcp(host, port)
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b"", "the server's end"
    client.close()


def syn(host, port):
    client = socket.socket(family(host))
    client.setblocking(False)
    client.connect_ex((host, port))
    held.append(client)


def udp(host, port, connected, answered):
    client = socket.socket(family(host), socket.SOCK_DGRAM)
    client.settimeout(5)
    if connected:
        client.connect((host, port))
    for _ in range(4):
        client.send(b".") if connected else client.sendto(b".", (host, port))
        if not answered:
            break
        try:
            client.recv(1)
            break
        except socket.timeout:
            pass
    else:
        raise AssertionError("a datagram's answer")
    held.append(client)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(host, ident):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    head = struct.pack("!BBHHH", 8, 0, 0, ident, 1)
    raw.sendto(struct.pack("!BBHHH", 8, 0, checksum(head), ident, 1), (host, 0))
    raw.close()


def send_raw(host, protocol, packet):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    raw.sendto(bytes.fromhex(packet), (host, 0))
    raw.close()


for step in json.loads(sys.argv[1]):
    host, port = step.get("host"), step.get("port", 0)
    if step.get("serve") == "tcp":
        serve_tcp(host, port, step.get("keep", False))
    elif step.get("serve") == "udp":
        serve_udp(host, port)
    for i in range(step.get("count", 0)):
        kind = step["do"]
        if kind == "tcp":
            held.append(open_tcp(host, port))
        elif kind == "closed":
            closed(host, port)
        elif kind == "half":
            half(host, port)
        elif kind == "syn":
            syn(host, port)
        elif kind in ("udp", "loose", "silent"):
            udp(host, port, kind == "udp", kind != "silent")
        elif kind == "ping":
            ping(host, port + i)
        elif kind == "raw":
            send_raw(host, step["protocol"], step["packet"])
        else:
            raise ValueError(kind)
print("ready", flush=True)
sys.stdin.read()
