# images: iperf3
[ -e Makefile ] || "$source/configure" --host=$host --disable-shared --without-openssl --without-sctp CFLAGS='-O2 -g1'
make -C src iperf3
image iperf3 src/iperf3
