"""REYAX RYUW122, ultra-wideband ranging module, on a UART (REYAX "RYUW122 AT command guide", 14-NOV-2022).

An ANCHOR polls one TAG at a time by its address, and learns the distance; both sides can send up to 12 ASCII bytes with
the exchange. Commands and answers are lines; the module answers `+OK` or `+ERR=n` before it takes the next command.
"""

ANCHOR = 1
TAG = 0
_SLEEP = 2
PAYLOAD_CHARS = 12
ADDRESS_CHARS = 8
BAUD = 115_200

# An exchange takes some 30 ms on air; a tag that has not answered by then will not.
_EXCHANGE_MS = 120
# So many exchanges in a row without even an `+OK`: it is the module that does not answer, not the tag.
_REFUSALS = 8
_COMMAND_MS = 500
_POLL_MS = 4
_LONGEST_LINE = 96
# More than a port has waiting, byte by byte, and lines of it: what comes faster than it is read is noise.
_MOST_READS = 512
_MOST_LINES = 64


class Ryuw122:
    """`uart` as machine.UART at `BAUD`. Methods with a wait are coroutines; OSError when the module does not answer.

    `garbled` counts lines that were not understood.
    """

    def __init__(self, uart, port):
        self.garbled = 0
        self._uart = uart
        self._port = port
        self._line = b""
        self._refusals = 0

    async def start(self, mode, network, address):
        """Role, network and own address (8 ASCII characters each); the module keeps them in its flash."""
        self._discard()
        await self._command("AT")
        await self._command(f"AT+NETWORKID={network}")
        await self.set_address(address)
        await self._command(f"AT+MODE={mode}")  # last, or it would answer under the address from before

    async def sleep(self):
        """Neither ask nor answer until the next `start`."""
        self._discard()
        await self._command(f"AT+MODE={_SLEEP}")

    async def set_address(self, address):
        """The address this module answers to."""
        await self._command(f"AT+ADDRESS={address}")

    async def alive(self):
        """OSError when it does not answer; for a module that has had nothing to do."""
        self._discard()
        await self._command("AT")

    async def exchange(self, address, payload):
        """ANCHOR: poll a tag, sending `payload`; its distance in mm, or None when the tag did not answer.

        OSError when the module itself does not take the command any more: it is silent, its line is all noise, or it
        refuses (as one does that has lost its role); `start` may mend that.
        """
        self._discard()
        self._uart.write(f"AT+ANCHOR_SEND={address},{len(payload)},{payload}\r\n".encode())
        start = self._port.ticks_ms()
        taken = False
        while self._port.ticks_diff(self._port.ticks_ms(), start) < _EXCHANGE_MS:
            line = self.read_line()
            await self._port.sleep_ms(_POLL_MS if line is None else 0)  # others too, however many lines come
            if line is None:
                continue
            if line.startswith("+ANCHOR_RCV=" + address + ","):
                self._refusals = 0
                return self._distance_mm(line)
            taken = taken or line == "+OK"
        self._refusals = 0 if taken else self._refusals + 1
        if self._refusals >= _REFUSALS:
            self._refusals = 0
            raise OSError("RYUW122 takes no commands")
        return None

    def received(self):
        """TAG: the payload of an anchor's poll, or None when there is none. Does not wait."""
        while True:
            line = self.read_line()
            if line is None:
                return None
            if line.startswith("+TAG_RCV="):
                payload = _counted(line[9:])
                if payload is not None:
                    return payload[0]
                self.garbled += 1

    def read_line(self):
        """The next whole line the module has sent, without its end; None when there is none yet."""
        for _ in range(_MOST_READS):
            if not self._uart.any():  # a port may say 1 however many there are
                break
            self._line += self._uart.read() or b""
        while True:
            line, newline, rest = self._line.partition(b"\n")
            if not newline:
                if len(line) > _LONGEST_LINE:  # noise: no line of the module is that long
                    self.garbled += 1
                    self._line = b""
                return None
            self._line = rest
            text = self._text(line)
            if text:
                return text

    def _text(self, line):
        try:
            return line.decode().strip()
        except UnicodeError:
            self.garbled += 1  # noise on the line, as when the module resets
            return ""

    def _distance_mm(self, line):
        """`+ANCHOR_RCV=<address>,<length>,<data>,<distance> cm`, with a further field where RSSI is on."""
        counted = _counted(line[12 + ADDRESS_CHARS + 1 :])
        if counted is not None:
            try:
                return int(counted[1].split(",")[1].split(" ")[0]) * 10
            except (IndexError, ValueError):
                pass  # cut short: counted below
        self.garbled += 1
        return None

    async def _command(self, text):
        self._uart.write((text + "\r\n").encode())
        start = self._port.ticks_ms()
        while self._port.ticks_diff(self._port.ticks_ms(), start) < _COMMAND_MS:
            line = self.read_line()
            await self._port.sleep_ms(_POLL_MS if line is None else 0)
            if line == "+OK":
                return
            if line is not None and line.startswith("+ERR"):
                raise OSError(f"RYUW122 refused {text}: {line}")
        raise OSError(f"RYUW122 did not answer {text}")

    def _discard(self):
        for _ in range(_MOST_LINES):
            if self.read_line() is None:
                return
        self._line = b""


def _counted(text):
    """(data, rest) of `<length>,<data><rest>`: data may hold commas, so its length rules; None when they disagree."""
    length, comma, rest = text.partition(",")
    if not comma or not length.isdigit() or int(length) > len(rest):
        return None
    return rest[: int(length)], rest[int(length) :]
