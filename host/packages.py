"""The Debian packages this project needs: the one place where they are listed.

`BUILD` and `HOST` are installed on the user's machine. `DOM0` is never installed: those archives are fetched and unpacked in the
cache (a hypervisor or a kernel installed by apt would change what the user's machine boots next).
"""

# What compiles and checks the tree.
BUILD = ["gcc", "binutils", "make", "libc6-dev", "libxen-dev", "xz-utils"]

# What the programs of others (apps/*/build.sh) are built with, on top: where an app is named, by its directory.
APPS = {"sqlite": ["tcl"], "nginx-tls": ["perl", "openssl"], "zlib": ["bzip2"], "mbedtls": ["cmake"], "libuv": ["cmake"]}

# What the host's tests want on top: they are built by clang with its sanitizers.
TEST = ["clang", "llvm", "libclang-rt-14-dev", "cpio"]

# What the end-to-end tests build projects with for which the SDK is made.
PROJECTS = ["cmake", "meson", "autoconf", "automake", "libtool", "pkg-config", "clang", "gdb"]

# The clients that they ask servers with.
CLIENTS = ["bind9-dnsutils", "chromium-headless-shell", "curl", "iperf3", "libmemcached-tools", "redis-tools", "wrk"]

# What `make check` wants on top.
CHECK = ["clang", "clang-tidy", "clang-format", "cppcheck"]

# What the domain 0 in QEMU runs on.
QEMU = ["qemu-system-x86"]

XEN = "4.17"

# What is in that domain 0. The kernel is found through linux-image-amd64.
DOM0 = [
    f"xen-hypervisor-{XEN}-amd64", f"xen-utils-{XEN}", "xenstore-utils",
    "libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1",
    "libxenhypfs1", "libxenstore4", "libxentoolcore1", "libxentoollog1",
    "libc6", "libgcc-s1", "libyajl2", "libncurses6", "libtinfo6", "zlib1g", "libbz2-1.0", "liblzma5", "libuuid1", "libzstd1",
    "liblzo2-2", "libnl-3-200", "libnl-route-3-200",
    "busybox-static", "iproute2", "libelf1", "libbpf1", "libmnl0", "libcap2", "libselinux1", "libpcre2-8-0", "libxtables12", "libbsd0", "libmd0",
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libexpat1", "libffi8",
]
KERNEL = "linux-image-amd64"
