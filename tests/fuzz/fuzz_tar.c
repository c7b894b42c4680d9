/* links: cpio.c tar.c archive.c */
/*
 * The reader of tar over anything: nothing outside of the archive is read (ASan), and what it hands on is
 * what its contract says.
 */
#include <fs/archive.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_archive(sd_tar_read, data, bytes);
    return 0;
}
