/* What a call of the kernel costs that does nothing: one byte to /dev/null. */
#include "../best.h"

#include <fcntl.h>
#include <unistd.h>

#define CALLS 1000

static int fd;

static int batch(void)
{
    for (int i = 0; i < CALLS; i++)
        if (write(fd, "", 1) != 1)
            return 1;
    return 0;
}

int main(void)
{
    fd = open("/dev/null", O_WRONLY);
    if (fd < 0) {
        perror("/dev/null");
        return 1;
    }
    return say_best("write", batch, CALLS);
}
