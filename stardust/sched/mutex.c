/* A lock to hold while waiting: whoever finds it taken sleeps until it is given back. */
#include <stardust/thread.h>

void sd_mutex_init(struct sd_mutex *mutex)
{
    *mutex = (struct sd_mutex){0};
    xen_waitq_init(&mutex->waiters);
}

void sd_mutex_lock(struct sd_mutex *mutex)
{
    xen_platform_lock(&mutex->lock);
    while (mutex->owner && !xen_platform_wait(&mutex->waiters, &mutex->lock, XEN_FOREVER))
        ;
    mutex->owner = sd_thread_self();
    xen_platform_unlock(&mutex->lock);
}

bool sd_mutex_try(struct sd_mutex *mutex)
{
    bool taken;

    xen_platform_lock(&mutex->lock);
    taken = !mutex->owner;
    if (taken)
        mutex->owner = sd_thread_self();
    xen_platform_unlock(&mutex->lock);
    return taken;
}

void sd_mutex_unlock(struct sd_mutex *mutex)
{
    xen_platform_lock(&mutex->lock);
    if (mutex->owner != sd_thread_self())
        xen_platform_panic("mutex %p is released by a thread that does not hold it", (void *)mutex);
    mutex->owner = NULL;
    xen_platform_unlock(&mutex->lock);
    xen_platform_wake(&mutex->waiters);
}
