/*
 * The signals that wait. A bit for each number tells that it waits, for the process or for a thread; the
 * queue holds what is told of it. Standard signals wait once, real-time ones as often as they were sent. A
 * signal that found no memory has only its bit.
 */
#include "signals.h"

#include <errno.h>

#include <stardust/memory.h>
#include <xenlib/platform.h>

#include "task.h"

/* Of those that allocate; RLIMIT_SIGPENDING of a small Linux. */
#define QUEUED_MAX 1024

#define MAIN_THREAD 1

/* Without a handler nothing comes of these. To stop the only process would stop it for good, so nothing does.
 */
#define IGNORED_BY_DEFAULT                                                                                   \
    (SD_SIGNAL_BIT(SIGCHLD) | SD_SIGNAL_BIT(SIGURG) | SD_SIGNAL_BIT(SIGWINCH) | SD_SIGNAL_BIT(SIGCONT) |     \
     SD_SIGNAL_BIT(SIGSTOP) | SD_SIGNAL_BIT(SIGTSTP) | SD_SIGNAL_BIT(SIGTTIN) | SD_SIGNAL_BIT(SIGTTOU))

/* The processor's, before all others: a handler of another should not run in their place. */
#define SYNCHRONOUS                                                                                          \
    (SD_SIGNAL_BIT(SIGSEGV) | SD_SIGNAL_BIT(SIGBUS) | SD_SIGNAL_BIT(SIGILL) | SD_SIGNAL_BIT(SIGTRAP) |       \
     SD_SIGNAL_BIT(SIGFPE) | SD_SIGNAL_BIT(SIGSYS))

static struct xen_lock lock; /* guards the rest, and what tasks have pending */
static struct xen_list queue = {&queue, &queue};
static uint64_t pending; /* for the process */
static uint64_t ignored = IGNORED_BY_DEFAULT;
static unsigned queued;

static uint64_t *pending_of(struct sd_task *task)
{
    return task ? &task->pending : &pending;
}

static bool wants(const struct sd_task *task, uint64_t bit)
{
    return !(task->blocked & bit) || (task->waits_for & bit);
}

bool sd_signal_is_ignored(int number)
{
    return ignored & sd_signal_bit(number);
}

uint64_t sd_signals_pending(const struct sd_task *task)
{
    return task->pending | pending;
}

bool sd_signals_wait(const struct sd_task *task)
{
    uint64_t all = sd_signals_pending(task);

    return (all & ~task->blocked & ~ignored) || (all & task->waits_for);
}

static struct sd_signal *first(int number, const struct sd_task *task)
{
    xen_list_each(at, &queue)
    {
        struct sd_signal *signal = xen_container_of(at, struct sd_signal, link);

        /* Clang's analyzer loses sight of what a list holds. NOLINTNEXTLINE(clang-analyzer-core.*) */
        if (signal->info.si_signo == number && signal->task == task)
            return signal;
    }
    return NULL;
}

/* Out of the queue; the bit goes with the last of its kind. The lock is held. */
static void dequeue(struct sd_signal *signal)
{
    int number = signal->info.si_signo;

    xen_list_remove(&signal->link);
    if (!signal->taken)
        queued--;
    if (!first(number, signal->task))
        *pending_of(signal->task) &= ~sd_signal_bit(number);
}

static bool clear_of(struct sd_task *task, void *set)
{
    task->pending &= ~*(const uint64_t *)set;
    return true;
}

static void release(struct xen_list *dropped)
{
    while (!xen_list_is_empty(dropped)) {
        struct sd_signal *signal = xen_container_of(dropped->next, struct sd_signal, link);
        siginfo_t unread = signal->info;

        xen_list_remove(&signal->link);
        if (signal->taken)
            signal->taken(signal, &unread);
        else
            sd_free(signal);
    }
}

/* Drops what waits of the set: for the thread, for the process when that is NULL, or for anybody. */
static void drop(struct sd_task *task, bool anybody, uint64_t set)
{
    struct xen_list dropped = XEN_LIST_INIT(dropped);

    xen_platform_lock(&lock);
    xen_list_each(at, &queue)
    {
        struct sd_signal *signal = xen_container_of(at, struct sd_signal, link);

        if ((anybody || signal->task == task) && (set & sd_signal_bit(signal->info.si_signo))) {
            dequeue(signal);
            xen_list_insert(&dropped, &signal->link);
        }
    }
    *pending_of(task) &= ~set;
    xen_platform_unlock(&lock);
    release(&dropped);
}

void sd_signal_act(int number, const struct sd_action *action)
{
    uint64_t bit = sd_signal_bit(number);

    sd_actions[number - 1] = *action;
    sd_actions[number - 1].mask &= ~SD_SIGNALS_FIRM;
    if (action->handler != SIG_IGN && (action->handler != SIG_DFL || !(bit & IGNORED_BY_DEFAULT))) {
        ignored &= ~bit;
        return;
    }
    ignored |= bit;
    drop(NULL, true, bit);
    sd_task_each(clear_of, &bit);
}

struct choice {
    uint64_t bit;
    struct sd_task *task;
};

static bool choose_one(struct sd_task *task, void *arg)
{
    struct choice *choice = arg;

    if (!wants(task, choice->bit))
        return true;
    choice->task = task;
    return false;
}

/*
 * The thread to handle a signal to the process: the main one unless it blocks it, else the first that does
 * not; NULL when all do. What ends the program does so at once where the sender can be it.
 */
static struct sd_task *choose(int number)
{
    struct choice choice = {.bit = sd_signal_bit(number)};
    struct sd_task *self = sd_task_self(), *main = sd_task_find(MAIN_THREAD);

    if (sd_actions[number - 1].handler == SIG_DFL && wants(self, choice.bit))
        return self;
    if (main && wants(main, choice.bit))
        return main;
    sd_task_each(choose_one, &choice);
    return choice.task;
}

static void tell(struct sd_task *task, int number)
{
    if (!task)
        task = choose(number);
    if (task && wants(task, sd_signal_bit(number)))
        sd_task_interrupt(task);
}

/* An ignored signal waits all the same where it is blocked: it may not be ignored any more when it no longer
 * is. For the process, the main thread's mask tells. */
static bool comes_to_nothing(const struct sd_task *task, int number)
{
    uint64_t bit = sd_signal_bit(number);

    if (!(ignored & bit))
        return false;
    if (!task)
        task = sd_task_find(MAIN_THREAD);
    return !task || !(task->blocked & bit);
}

/* A place in the queue, from the heap. NULL when there is none. */
static struct sd_signal *new_signal(struct sd_task *task, const siginfo_t *info)
{
    struct sd_signal *signal = queued < QUEUED_MAX ? sd_calloc(1, sizeof(*signal)) : NULL;

    if (signal) {
        signal->task = task;
        signal->info = *info;
        queued++;
    }
    return signal;
}

int sd_signal_send(struct sd_task *task, const siginfo_t *info)
{
    int number = info->si_signo;
    struct sd_signal *signal;

    if (comes_to_nothing(task, number))
        return 0;
    if (number < SD_SIGNAL_REAL_TIME && (*pending_of(task) & sd_signal_bit(number)))
        return 0;
    signal = new_signal(task, info);
    if (!signal && number >= SD_SIGNAL_REAL_TIME && info->si_code != SI_USER)
        return -EAGAIN;
    xen_platform_lock(&lock);
    *pending_of(task) |= sd_signal_bit(number);
    if (signal)
        xen_list_insert(&queue, &signal->link);
    xen_platform_unlock(&lock);
    tell(task, number);
    return 0;
}

void sd_signal_init(struct sd_signal *signal)
{
    xen_list_init(&signal->link);
}

enum sd_signal_sent sd_signal_send_own(struct sd_signal *signal)
{
    int number = signal->info.si_signo;

    if (!xen_list_is_empty(&signal->link))
        return SD_SIGNAL_WAITS_ALREADY;
    if (comes_to_nothing(signal->task, number))
        return SD_SIGNAL_IGNORED;
    xen_platform_lock(&lock);
    *pending_of(signal->task) |= sd_signal_bit(number);
    xen_list_insert(&queue, &signal->link);
    xen_platform_unlock(&lock);
    tell(signal->task, number);
    return SD_SIGNAL_QUEUED;
}

void sd_signal_withdraw(struct sd_signal *signal)
{
    xen_platform_lock(&lock);
    if (!xen_list_is_empty(&signal->link))
        dequeue(signal);
    xen_platform_unlock(&lock);
}

/* The lock is held. */
static struct sd_signal *take_first(struct sd_task *task, uint64_t set, siginfo_t *info)
{
    uint64_t found = *pending_of(task) & set;
    struct sd_signal *signal;
    int number;

    if (!found)
        return NULL;
    if (found & SYNCHRONOUS)
        found &= SYNCHRONOUS;
    number = __builtin_ctzll(found) + 1;
    signal = first(number, task);
    *info = signal ? signal->info : (siginfo_t){.si_signo = number, .si_code = SI_USER};
    if (signal)
        dequeue(signal);
    else
        *pending_of(task) &= ~sd_signal_bit(number);
    return signal;
}

int sd_signal_take(struct sd_task *task, uint64_t set, siginfo_t *info)
{
    struct sd_signal *signal;

    info->si_signo = 0;
    xen_platform_lock(&lock);
    signal = take_first(task, set, info);
    if (!info->si_signo)
        signal = take_first(NULL, set, info);
    xen_platform_unlock(&lock);
    if (signal && signal->taken)
        signal->taken(signal, info);
    else
        sd_free(signal);
    return info->si_signo;
}

/* Those of the process that one thread will not handle now, another may. */
static void pass_on(uint64_t set)
{
    for (set &= pending; set; set &= set - 1)
        tell(NULL, __builtin_ctzll(set) + 1);
}

void sd_signals_mask_changed(struct sd_task *task, uint64_t before)
{
    drop(task, false, ignored & ~task->blocked);
    drop(NULL, false, ignored & ~task->blocked);
    if (sd_signals_wait(task))
        sd_task_interrupt(task);
    pass_on(task->blocked & ~before);
}

void sd_signals_forget(struct sd_task *task)
{
    drop(task, false, UINT64_MAX);
    task->blocked = UINT64_MAX;
    pass_on(UINT64_MAX);
}
