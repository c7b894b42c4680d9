/* Threads: their beginning and end, and what each has of its own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include "check.h"

#define MANY 1000

static void *identity(void *arg)
{
    return arg;
}

static void a_thread_gives_its_result_to_who_joins(void)
{
    pthread_t thread;
    void *result = NULL;
    int own_place;

    CHECK(!pthread_create(&thread, NULL, identity, &own_place));
    CHECK(!pthread_join(thread, &result) && result == &own_place);
}

static sem_t done;

static void *tell(void *arg)
{
    CHECK(pthread_detach(pthread_self()) == (arg ? EINVAL : 0));
    sem_post(&done);
    return NULL;
}

static void *post(void *arg)
{
    (void)arg;
    sem_post(&done);
    return NULL;
}

static void detached_threads_clean_up_after_themselves(void)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    sem_init(&done, 0, 0);
    /* More than there is memory for at a time. */
    for (int i = 0; i < 500; i++) {
        CHECK(!pthread_create(&thread, &attr, tell, NULL));
        CHECK(!sem_wait(&done));
    }
    CHECK(!pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    CHECK(!pthread_create(&thread, &attr, post, NULL) && !sem_wait(&done));
    pthread_attr_destroy(&attr);
}

static void *own_id(void *arg)
{
    *(long *)arg = syscall(SYS_gettid);
    return NULL;
}

static void ids_are_different_and_the_main_one_is_the_process_s(void)
{
    pthread_t threads[2];
    long ids[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&threads[i], NULL, own_id, &ids[i]));
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(syscall(SYS_gettid) == getpid());
    CHECK(ids[0] > 0 && ids[1] > 0 && ids[0] != ids[1] && ids[0] != getpid() && ids[1] != getpid());
}

static __thread int own = 5;
static __thread char zero[100];

static void *change_own(void *arg)
{
    CHECK(own == 5 && !zero[99]);
    own = *(int *)arg;
    memset(zero, own, sizeof(zero));
    sched_yield();
    CHECK(own == *(int *)arg && zero[50] == own);
    return NULL;
}

static void thread_local_variables_are_each_thread_s_own(void)
{
    pthread_t threads[3];
    int values[3] = {6, 7, 8};

    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, change_own, &values[i]));
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(own == 5 && !zero[0]);
}

static pthread_key_t key;
static int destroyed;

static void destroy(void *value)
{
    destroyed += *(int *)value;
}

static void *use_key(void *arg)
{
    CHECK(!pthread_getspecific(key));
    CHECK(!pthread_setspecific(key, arg) && pthread_getspecific(key) == arg);
    return NULL;
}

static void keys_are_destroyed_at_a_thread_s_end(void)
{
    pthread_t threads[2];
    int values[2] = {1, 10};

    CHECK(!pthread_key_create(&key, destroy));
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&threads[i], NULL, use_key, &values[i]));
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(destroyed == 11);
    CHECK(!pthread_key_delete(key));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int inits;

static void init(void)
{
    sleep_ms(10);
    inits++;
}

static void *run_once(void *arg)
{
    (void)arg;
    CHECK(!pthread_once(&once, init) && inits == 1);
    return NULL;
}

static void once_is_once_and_all_wait_for_it(void)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        CHECK(!pthread_create(&threads[i], NULL, run_once, NULL));
    for (int i = 0; i < 4; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(inits == 1);
}

static void *read_name(void *arg)
{
    CHECK(!pthread_getname_np(pthread_self(), arg, 16));
    return NULL;
}

static void names_are_inherited_and_cut(void)
{
    char name[16], theirs[16] = "";
    pthread_t thread;

    CHECK(!pthread_setname_np(pthread_self(), "fifteen letters"));
    CHECK(pthread_setname_np(pthread_self(), "sixteen letters!") == ERANGE);
    CHECK(!pthread_getname_np(pthread_self(), name, sizeof(name)) && !strcmp(name, "fifteen letters"));
    CHECK(!pthread_create(&thread, NULL, read_name, theirs) && !pthread_join(thread, NULL));
    CHECK(!strcmp(theirs, name));
}

static void *small(void *arg)
{
    char stack[512];

    memset(stack, 1, sizeof(stack));
    sched_yield();
    return stack[*(int *)arg] ? arg : NULL;
}

static void a_stack_may_be_small_or_the_program_s(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    pthread_attr_t attr;
    pthread_t thread;
    void *result = NULL;
    int place = 7;

    pthread_attr_init(&attr);
    CHECK(!pthread_attr_setstacksize(&attr, 16384));
    CHECK(!pthread_create(&thread, &attr, small, &place) && !pthread_join(thread, &result) &&
          result == &place);
    CHECK(!pthread_attr_setstack(&attr, stack, sizeof(stack)));
    result = NULL;
    CHECK(!pthread_create(&thread, &attr, small, &place) && !pthread_join(thread, &result) &&
          result == &place);
    pthread_attr_destroy(&attr);
}

#define DEEP_STACK 16384
#define LITTLE     256 /* of it that is left */

static volatile int is_deep, may_end;
static char deep_area[8192 + DEEP_STACK] __attribute__((aligned(4096)));

/* Stands near its stack's end and computes. */
static void *compute_deep(void *arg)
{
    size_t left = (size_t)((char *)__builtin_frame_address(0) - (deep_area + 8192));
    volatile char *room = __builtin_alloca(left - LITTLE);

    room[0] = 1;
    is_deep = 1;
    while (!may_end)
        ;
    return arg;
}

/* What the system does meanwhile, it does somewhere else. */
static void a_stack_is_the_program_s_to_its_last_bytes(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    size_t spoilt = 0;

    memset(deep_area, 0x5a, 8192);
    pthread_attr_init(&attr);
    CHECK(!pthread_attr_setstack(&attr, deep_area + 8192, DEEP_STACK));
    CHECK(!pthread_create(&thread, &attr, compute_deep, NULL));
    while (!is_deep)
        sleep_ms(1);
    for (int i = 0; i < 50; i++)
        sleep_ms(2);
    may_end = 1;
    CHECK(!pthread_join(thread, NULL));
    for (size_t i = 0; i < 8192; i++)
        spoilt += deep_area[i] != 0x5a;
    CHECK(!spoilt);
    pthread_attr_destroy(&attr);
}

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER, go = PTHREAD_COND_INITIALIZER;
static int here, may_go;

static void *one_of_many(void *arg)
{
    pthread_mutex_lock(&all_lock);
    if (++here == MANY)
        pthread_cond_signal(&all_here);
    while (!may_go)
        pthread_cond_wait(&go, &all_lock);
    pthread_mutex_unlock(&all_lock);
    return arg;
}

static void a_thousand_threads_live_at_once(void)
{
    static pthread_t threads[MANY];
    static char places[MANY];
    pthread_attr_t attr;
    int made = 0, joined = 0;

    pthread_attr_init(&attr);
    CHECK(!pthread_attr_setstacksize(&attr, 16384));
    while (made < MANY && !pthread_create(&threads[made], &attr, one_of_many, &places[made]))
        made++;
    CHECK(made == MANY);
    pthread_mutex_lock(&all_lock);
    while (made == MANY && here < MANY)
        pthread_cond_wait(&all_here, &all_lock);
    may_go = 1;
    pthread_cond_broadcast(&go);
    pthread_mutex_unlock(&all_lock);
    for (int i = 0; i < made; i++) {
        void *result = NULL;

        joined += !pthread_join(threads[i], &result) && result == &places[i];
    }
    CHECK(joined == MANY);
    pthread_attr_destroy(&attr);
}

static mtx_t c_mutex;
static cnd_t c_condition;
static tss_t c_key;
static int c_value;

static int c_thread(void *arg)
{
    CHECK(tss_set(c_key, arg) == thrd_success && tss_get(c_key) == arg);
    mtx_lock(&c_mutex);
    c_value = 1;
    cnd_signal(&c_condition);
    mtx_unlock(&c_mutex);
    thrd_exit(-7);
}

static void c11_threads_work(void)
{
    struct timespec soon = in_ms(CLOCK_REALTIME, 20);
    thrd_t thread;
    int result = 0;

    CHECK(mtx_init(&c_mutex, mtx_timed) == thrd_success && cnd_init(&c_condition) == thrd_success);
    CHECK(tss_create(&c_key, NULL) == thrd_success);
    mtx_lock(&c_mutex);
    CHECK(cnd_timedwait(&c_condition, &c_mutex, &soon) == thrd_timedout);
    CHECK(thrd_create(&thread, c_thread, &result) == thrd_success);
    while (!c_value)
        CHECK(cnd_wait(&c_condition, &c_mutex) == thrd_success);
    mtx_unlock(&c_mutex);
    CHECK(thrd_join(thread, &result) == thrd_success && result == -7);
    CHECK(!thrd_sleep(&(struct timespec){.tv_nsec = 1000}, NULL));
    mtx_destroy(&c_mutex);
    cnd_destroy(&c_condition);
    tss_delete(c_key);
}

static void scheduling_is_told_as_on_one_cpu(void)
{
    struct sched_param param = {.sched_priority = 1};
    int policy = -1;

    CHECK(!pthread_getschedparam(pthread_self(), &policy, &param));
    CHECK(policy == SCHED_OTHER && !param.sched_priority);
    CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1);
    CHECK(sched_get_priority_max(SCHED_OTHER) == 0);
    errno = 0;
    CHECK(sched_get_priority_max(77) == -1 && errno == EINVAL);
}

const struct claim thread_claims[] = {
    {"a_thread_gives_its_result_to_who_joins", a_thread_gives_its_result_to_who_joins},
    {"detached_threads_clean_up_after_themselves", detached_threads_clean_up_after_themselves},
    {"ids_are_different_and_the_main_one_is_the_process_s",
     ids_are_different_and_the_main_one_is_the_process_s},
    {"thread_local_variables_are_each_thread_s_own", thread_local_variables_are_each_thread_s_own},
    {"keys_are_destroyed_at_a_thread_s_end", keys_are_destroyed_at_a_thread_s_end},
    {"once_is_once_and_all_wait_for_it", once_is_once_and_all_wait_for_it},
    {"names_are_inherited_and_cut", names_are_inherited_and_cut},
    {"a_stack_may_be_small_or_the_program_s", a_stack_may_be_small_or_the_program_s},
    {"a_stack_is_the_program_s_to_its_last_bytes", a_stack_is_the_program_s_to_its_last_bytes},
    {"a_thousand_threads_live_at_once", a_thousand_threads_live_at_once},
    {"c11_threads_work", c11_threads_work},
    {"scheduling_is_told_as_on_one_cpu", scheduling_is_told_as_on_one_cpu},
    {0},
};
