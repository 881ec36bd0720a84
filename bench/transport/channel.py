"""Channel: the bytes of one socket, plain or under TLS."""

import select
import socket
import ssl
import time
from contextlib import suppress
from typing import cast

from bench.transport.kernel import ANCILLARY_BYTES, Ancillary

# Encrypted at once: more would lie in our memory and not in the kernel.
_PIECE_BYTES = 65_536


class Channel:
    """Reads and writes without waiting.

    Attributes:
        sock: Connected, and not blocking.
        ancillary: What the kernel told beside the bytes that were read last.
        handed_ns: When bytes were last handed to the kernel: just before, so that
            who is woken by them is not faster than their own arrival.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take the socket, which is closed with the channel."""
        self.sock = sock
        self.ancillary: Ancillary = []
        self.handed_ns = 0

    def read_into(self, target: memoryview) -> int:
        """Read what is there, 0 bytes when the server closed.

        Raises:
            BlockingIOError: Nothing is there now.
            OSError: The connection broke.
        """
        n_bytes, ancillary, _, _ = self.sock.recvmsg_into((target,), ANCILLARY_BYTES)
        if n_bytes:
            self.ancillary = ancillary
        return n_bytes

    def write(self, content: memoryview) -> int:
        """Hand over as much as the kernel takes.

        Raises:
            BlockingIOError: It takes nothing now.
            OSError: The connection broke.
        """
        self.handed_ns = time.monotonic_ns()
        return self.sock.send(content)

    def flush(self) -> None:
        """Hand over what `write` took and the kernel has not yet; as `write`."""

    @property
    def window_bytes(self) -> int:
        """How much the kernel takes before somebody reads, about."""
        return self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    @property
    def holds_bytes(self) -> bool:
        """Whether bytes were read from the socket that nobody read from here."""
        return False

    def is_readable(self) -> bool:
        """Whether anything waits, an end too, however bad; takes nothing of it."""
        watch = select.poll()
        watch.register(self.sock, select.POLLIN)
        return bool(watch.poll(0))

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


class EncryptedChannel(Channel):
    """TLS over the same reading, so that the kernel's stamps are kept."""

    def __init__(
        self, sock: socket.socket, buffer: memoryview, tls: ssl.SSLContext, host: str
    ) -> None:
        """Take the socket.

        Args:
            sock: Connected, and not blocking.
            buffer: What is read is put there until it is decrypted.
            tls: What is trusted.
            host: Whom the certificate must name.
        """
        super().__init__(sock)
        self._buffer = buffer
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = tls.wrap_bio(self._coming, self._going, server_hostname=host)
        self._unsent = memoryview(b"")

    def shake_hands(self) -> None:
        """Go on with the handshake; returns when it is done.

        Raises:
            BlockingIOError: The server's part is not there yet.
            OSError: They could not agree.
        """
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
            except OSError:
                # The server learns why.
                with suppress(OSError):
                    self.flush()
                raise
            else:
                self.flush()
                return
            if not self._pull():
                raise ConnectionResetError("the server closed the connection")

    def read_into(self, target: memoryview) -> int:
        """As for plain bytes; what TLS says to itself is answered, and is none."""
        while True:
            try:
                # Given a target it tells how many; what is typed is the other form.
                return cast("int", self._session.read(len(target), target))
            except ssl.SSLWantReadError:
                with suppress(BlockingIOError):
                    self.flush()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                # Many servers close without TLS's farewell.
                return 0
            self._pull()

    def write(self, content: memoryview) -> int:
        """As for plain bytes; the last of them may wait for `flush`."""
        self.flush()
        try:
            n_bytes = self._session.write(content[:_PIECE_BYTES])
        except ssl.SSLWantReadError:
            # An older TLS agrees anew, and needs the server's part first.
            raise BlockingIOError from None
        with suppress(BlockingIOError):
            self.flush()
        return n_bytes

    def flush(self) -> None:
        """As for plain bytes."""
        while self._unsent or self._going.pending:
            if not self._unsent:
                self._unsent = memoryview(self._going.read())
            n_bytes = super().write(self._unsent)
            self._unsent = self._unsent[n_bytes:]

    @property
    def holds_bytes(self) -> bool:
        """As for plain bytes; a record is decrypted once it is whole."""
        return self._coming.pending > 0 or self._session.pending() > 0

    def close(self) -> None:
        """Say farewell, whether it is heard or not."""
        with suppress(OSError, ValueError):
            if not self._unsent:
                self._session.unwrap()
        with suppress(OSError):
            self.flush()
        super().close()

    def _pull(self) -> int:
        n_bytes = super().read_into(self._buffer)
        if n_bytes:
            self._coming.write(self._buffer[:n_bytes])
        else:
            self._coming.write_eof()
        return n_bytes
