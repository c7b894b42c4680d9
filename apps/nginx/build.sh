# images: nginx
# Its configure runs what it compiles: as processes of Linux with a guest's services, so what it finds is what a guest has.
# Without rewriting and compression, which want PCRE and zlib. The guest's files are nginx.conf from here, and its own mime.types
# and page.
copy
[ -e Makefile ] || STARDUST_HOST=1 ./configure --with-cc="$CC" --with-cc-opt='-O2 -g1' --prefix=/ --sbin-path=/nginx \
    --conf-path=/etc/nginx/nginx.conf --error-log-path=/dev/stderr --http-log-path=/dev/stdout --pid-path=/tmp/nginx.pid \
    --lock-path=/tmp/nginx.lock --http-client-body-temp-path=/tmp/body --http-proxy-temp-path=/tmp/proxy \
    --without-http_rewrite_module --without-pcre --without-http_gzip_module --without-http_fastcgi_module \
    --without-http_uwsgi_module --without-http_scgi_module --without-http_grpc_module --without-http_memcached_module \
    --with-http_stub_status_module
make -f objs/Makefile objs/nginx
image nginx objs/nginx
rm -rf "$build/nginx.root"
mkdir -p "$build/nginx.root/etc/nginx" "$build/nginx.root/www"
cp -p "$app/nginx.conf" conf/mime.types "$build/nginx.root/etc/nginx"
cp -p html/index.html html/50x.html "$build/nginx.root/www"
