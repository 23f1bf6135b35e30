"""cffi builder of `jikimi.sigcore._sigcore` (API mode)."""

from cffi import FFI

ffibuilder = FFI()
ffibuilder.cdef("int sig_abi_version(void);")
ffibuilder.set_source(
    "jikimi.sigcore._sigcore",
    "static int sig_abi_version(void) { return 1; }",
)
