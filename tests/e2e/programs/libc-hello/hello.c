/* The size of this is what using the C library costs. */
#include <stdio.h>

int main(void)
{
    printf("Hello from %s\n", "the C library");
    return 0;
}
