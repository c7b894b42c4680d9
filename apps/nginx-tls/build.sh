# images: nginx-tls
# source: nginx
# needs: openssl pcre2 zlib
# nginx with TLS 1.2 and 1.3 and HTTP/2 by OpenSSL, rewriting by PCRE and compression by zlib; the rest as in apps/nginx. Of OpenSSL
# there is what such a server negotiates today, and nothing that is older. The key and the certificate for localhost are made here,
# anew with each clean build: put your own in their place.
installed=$PWD/installed
flags='-O2 -g1'

if [ ! -e "$installed/lib/libssl.a" ]; then
    mkdir -p openssl
    (
        cd openssl
        "$sources/openssl/Configure" linux-x86_64 --prefix="$installed" --libdir=lib no-asm enable-ec_nistp_64_gcc_128 no-shared no-tests no-dso no-engine no-module \
            no-legacy no-async no-ui-console no-comp no-ct no-cms no-srp no-psk no-gost no-ts no-dsa no-camellia no-aria \
            no-seed no-idea no-rc2 no-rc4 no-bf no-cast no-des no-md4 no-mdc2 no-whirlpool no-rmd160 no-sm2 no-sm3 no-sm4 \
            no-siphash no-scrypt no-blake2 no-ocb no-siv no-ssl3 no-tls1 no-tls1_1 no-dtls no-sctp no-nextprotoneg \
            no-afalgeng no-autoload-config no-rfc3779 no-cmp no-ec2m no-secure-memory CC="$CC" CFLAGS="$flags"
        make build_generated
        make libcrypto.a libssl.a
    )
    mkdir -p "$installed/lib" "$installed/include"
    cp -R "$sources/openssl/include/openssl" openssl/include/openssl "$installed/include"
    cp openssl/libcrypto.a openssl/libssl.a "$installed/lib"
fi
if [ ! -e "$installed/bin/pcre2-config" ]; then
    mkdir -p pcre2
    (cd pcre2 && "$sources/pcre2/configure" --host=$host --prefix="$installed" --disable-shared CFLAGS="$flags")
    make -C pcre2 install
fi
if [ ! -e "$installed/lib/libz.a" ]; then
    cp -R "$sources/zlib" zlib
    (cd zlib && CHOST=$host CC="$CC" CFLAGS="$flags" ./configure --static --prefix="$installed" && make install)
fi

copy
[ -e Makefile ] || PATH=$installed/bin:$PATH STARDUST_HOST=1 ./configure --with-cc="$CC" --with-cc-opt="$flags -I$installed/include" \
    --with-ld-opt="-L$installed/lib" --prefix=/ --sbin-path=/nginx \
    --conf-path=/etc/nginx/nginx.conf --error-log-path=/dev/stderr --http-log-path=/dev/stdout --pid-path=/tmp/nginx.pid \
    --lock-path=/tmp/nginx.lock --http-client-body-temp-path=/tmp/body --http-proxy-temp-path=/tmp/proxy \
    --without-http_fastcgi_module --without-http_uwsgi_module --without-http_scgi_module --without-http_grpc_module \
    --without-http_memcached_module --with-http_stub_status_module --with-http_ssl_module --with-http_v2_module
make -f objs/Makefile objs/nginx
image nginx-tls objs/nginx

root=$build/nginx-tls.root
rm -rf "$root"
mkdir -p "$root/etc/nginx" "$root/www"
cp -p "$app/nginx.conf" conf/mime.types "$root/etc/nginx"
cp -p html/index.html html/50x.html "$root/www"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$root/etc/nginx/key.pem" -out "$root/etc/nginx/certificate.pem"
