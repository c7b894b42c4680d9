/* The numbers that are the arguments, each added by a thread of its own. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tally.h"

static struct tally tally;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *add(void *text)
{
    pthread_mutex_lock(&lock);
    tally_add(&tally, strtod(text, NULL));
    pthread_mutex_unlock(&lock);
    return NULL;
}

#if !defined(HAVE_CLOCK_GETTIME) || !defined(HAVE_SYS_EPOLL_H) || defined(HAVE_NO_SUCH_FUNCTION)
#error "the checks of the configuration went wrong"
#endif

int main(int argc, char **argv)
{
    pthread_t threads[16];

    for (int i = 1; i < argc && i <= 16; i++)
        if (pthread_create(&threads[i - 1], NULL, add, argv[i])) {
            perror("pthread_create");
            return 1;
        }
    for (int i = 1; i < argc && i <= 16; i++)
        pthread_join(threads[i - 1], NULL);
    printf("%s: %zu numbers, mean %g, deviation %.4f\n", FLAVOUR, tally.count, tally_mean(&tally),
           tally_deviation(&tally));
    return tally.count == 4 ? 42 : 1;
}
