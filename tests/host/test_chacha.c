/* links: chacha.c */
#include <posix/chacha.h>

#include "tap.h"

/* RFC 8439, 2.3.2. */
TEST(block_is_the_rfc_s)
{
    static const uint32_t wanted[16] = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
        0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint32_t key[8], block[16];

    for (uint32_t i = 0; i < 8; i++)
        key[i] = 0x03020100 + i * 0x04040404;
    sd_chacha20(key, 1, nonce, block);
    for (int i = 0; i < 16; i++)
        TEST_CHECK(block[i] == wanted[i], "word %d", i);
}

int main(void)
{
    return tap_run();
}
