/* ChaCha20 (RFC 8439, 2.3). */
#ifndef STARDUST_POSIX_CHACHA_H
#define STARDUST_POSIX_CHACHA_H

#include <stdint.h>

/* One block of the key stream, 16 words: key of 8, block number, nonce of 3. */
void sd_chacha20(const uint32_t key[8], uint32_t number, const uint32_t nonce[3], uint32_t block[16]);

#endif
