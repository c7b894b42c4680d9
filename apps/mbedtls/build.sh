# images: mbedtls mbedtls-suites
# Its self-test (`mbedtls`), and all its suites in one image: each is a program of its own with a main; all of an object but main
# is made local, main gets the suite's name, and suites.c calls one after another. The suites' data stay beside it for the ramdisk.
configure_cmake -DCMAKE_C_FLAGS='-O2 -g1' -DENABLE_TESTING=ON -DENABLE_PROGRAMS=ON
make selftest mbedtls_test mbedtls_test_helpers
image mbedtls programs/test/selftest

suites=$(cd tests/CMakeFiles && printf '%s\n' test_suite_*.dir | sed 's/\.dir$//')
make -f "$app/suites.mk" SUITES="$suites"
rm -rf suites
mkdir suites
for suite in $suites; do
    entry=$(echo "$suite" | tr . _)
    objcopy --redefine-sym main=$entry --keep-global-symbol=$entry tests/CMakeFiles/$suite.dir/$suite.c.o suites/$suite.o
    echo "SUITE($entry, \"$suite\")" >>suites/list.h
done
$CC -std=gnu17 -O2 -g1 -Wall -Wextra -Werror -Isuites -o suites/program "$app/suites.c" suites/*.o \
    $(find CMakeFiles/mbedtls_test.dir CMakeFiles/mbedtls_test_helpers.dir -name '*.o') \
    library/libmbedtls.a library/libmbedx509.a library/libmbedcrypto.a
image mbedtls-suites suites/program
rm -rf "$build/mbedtls-suites.root"
mkdir "$build/mbedtls-suites.root"
cp -RL tests/*.datax tests/data_files "$build/mbedtls-suites.root"
